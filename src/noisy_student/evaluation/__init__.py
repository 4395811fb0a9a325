"""Grades against the key, and what the differences between conditions mean."""
