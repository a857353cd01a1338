"""MIND."""
