"""PassThroughFeature."""
