"""Item tables and other tables beside the training data."""
