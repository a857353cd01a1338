"""Decisions at one half."""
