"""Attention over the steps."""
