"""The backbone: a graph of blocks between the feature groups and a model's head."""
