"""Layers that towers and backbones are made of."""
