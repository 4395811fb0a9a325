"""Results as people read them: tables for the terminal, plots, and one page that needs nothing else."""
