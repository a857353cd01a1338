"""Focal loss."""
