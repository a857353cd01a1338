"""SequenceFeature."""
