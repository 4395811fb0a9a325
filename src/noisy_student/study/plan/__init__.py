"""Plans: the nodes of a run with their inputs, made from settings, and the wall around the answer key."""
