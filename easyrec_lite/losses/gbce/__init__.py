"""The generalized binary cross-entropy."""
