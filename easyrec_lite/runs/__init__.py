"""Whole runs: the Estimator; training, evaluation and export from start to end."""
