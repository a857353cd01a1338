"""Layers that embed numbers."""
