"""DAT, the dual augmented two-tower model."""
