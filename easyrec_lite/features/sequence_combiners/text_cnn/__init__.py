"""Convolutions over the steps."""
