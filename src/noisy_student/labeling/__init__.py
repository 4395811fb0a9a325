"""From samples to examples: vote, select, choose the text a student learns from."""
