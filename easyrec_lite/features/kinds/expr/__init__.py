"""ExprFeature."""
