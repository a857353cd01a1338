"""A run from start to end: the Estimator, its loop of training, evaluation and export."""
