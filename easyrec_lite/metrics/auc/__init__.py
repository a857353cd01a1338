"""AUC and the largest F1."""
