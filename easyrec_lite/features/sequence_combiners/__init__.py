"""Ways to make one vector of a sequence, one folder a `sequence_combiner`."""
