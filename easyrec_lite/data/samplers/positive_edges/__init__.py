"""Items by weight, but none that a user of the batch has a positive edge to."""
