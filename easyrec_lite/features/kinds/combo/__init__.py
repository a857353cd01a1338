"""ComboFeature."""
