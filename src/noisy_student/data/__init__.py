"""Where questions come from, how they are split, and the files that hold them."""
