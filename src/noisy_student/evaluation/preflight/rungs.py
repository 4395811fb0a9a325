"""How many samples a question are tried before votes are called bad: the plan's 4, then two and four times as many."""

RUNGS = (4, 8, 16)
"""K of each try; a further one is drawn only where the one before did not pass."""
