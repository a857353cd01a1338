"""Rows: their order, each worker's share of them, and their values once they are transformed."""
