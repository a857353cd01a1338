"""LookupFeature."""
