"""Training students on examples."""
