"""FTRL."""
