"""Serving: SavedModels, item vectors, indexes, recommendation and prediction."""
