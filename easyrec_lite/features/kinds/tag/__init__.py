"""TagFeature."""
