"""Losses, each a function of scores and labels."""
