"""The kinds of features, one folder a `feature_type`."""
