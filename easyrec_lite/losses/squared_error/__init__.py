"""Squared errors."""
