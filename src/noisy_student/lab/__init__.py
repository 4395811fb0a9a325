"""The lab model: architecture, corpus and pretraining."""
