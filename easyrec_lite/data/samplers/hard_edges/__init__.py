"""Items by weight, and hard negatives along edges of the users of the batch."""
