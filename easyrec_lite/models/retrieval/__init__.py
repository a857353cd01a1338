"""Retrieval models, one folder a model."""
