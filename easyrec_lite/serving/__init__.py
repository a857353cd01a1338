"""SavedModels, item vectors, indexes and recommendation."""
