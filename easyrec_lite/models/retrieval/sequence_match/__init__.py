"""A user tower that reads behaviour in order, by a causal encoder."""
