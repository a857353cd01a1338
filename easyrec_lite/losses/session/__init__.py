"""Losses over the rows of a session."""
