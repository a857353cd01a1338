"""Models, and how one is assembled from a config."""
