"""Sources of questions, their split into parts, and the files that hold them."""
