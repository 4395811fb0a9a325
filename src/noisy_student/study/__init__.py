"""A study as a graph of stages: planned, cached by content, run and decided."""
