"""Errors of scores."""
