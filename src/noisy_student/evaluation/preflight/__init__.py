"""Checks before a run: measurements in, pass, warn, fail or unsure out."""
