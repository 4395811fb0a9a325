"""Health of a training: named conditions with evidence, cause and remedy, from the facts of its steps."""
