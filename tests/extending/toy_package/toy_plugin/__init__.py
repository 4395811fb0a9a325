"""A package that extends noisy-student from outside: one module a kind of row, named by its entry points."""
