"""Momentum."""
