"""From samples to training examples: count votes, select labels, choose the worked text a student learns from."""
