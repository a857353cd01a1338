"""Sigmoid cross-entropy."""
