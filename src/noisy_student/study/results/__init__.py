"""From stored results to findings: rows for conditions, labels, training, rounds, costs and the export."""
