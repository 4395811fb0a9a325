"""Settings of training and of health checks; imports no torch."""
