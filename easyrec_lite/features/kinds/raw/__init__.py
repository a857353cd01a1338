"""RawFeature."""
