"""IdFeature."""
