"""AUC within users or sessions."""
