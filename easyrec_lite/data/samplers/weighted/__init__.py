"""Items by weight, but not those of the batch."""
