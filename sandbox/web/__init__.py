"""HTTP: bodies in within bounds, answers out, and who is kept away."""
