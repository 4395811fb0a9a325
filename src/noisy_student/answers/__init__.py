"""Reading answers: the only place that knows what an answer looks like in a text."""
