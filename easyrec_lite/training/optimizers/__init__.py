"""Optimisers: a folder each, with a `spec.py` and the update rule."""
