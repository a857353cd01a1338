"""What spreading the work of a run costs and changes."""
