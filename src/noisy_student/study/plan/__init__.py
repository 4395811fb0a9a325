"""From settings to the graph of nodes: inputs, samples, labels, students, rounds, pre-flight, the wall."""
