"""Settings of a study: conditions, labels, comparisons, rounds, decisions, and the files that state them."""
