"""F1 reweighting."""
