"""Feature configs → transform → ids; embedding tables; groups."""
