"""Evaluation: metrics of a pass over data, and the ranking of all items."""
