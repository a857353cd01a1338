"""Evaluation: metrics over data files, and ranking among all items."""
