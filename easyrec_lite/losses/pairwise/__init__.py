"""Losses over pairs of rows."""
