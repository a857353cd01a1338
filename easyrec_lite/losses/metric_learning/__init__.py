"""Losses over the pairs of a batch's vectors."""
