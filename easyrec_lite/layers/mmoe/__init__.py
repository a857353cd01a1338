"""MMoE."""
