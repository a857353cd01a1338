"""Recall among the candidates of a batch."""
