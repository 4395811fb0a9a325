"""Whether a training is healthy: facts of its steps in, named conditions with evidence, cause and remedy out."""
