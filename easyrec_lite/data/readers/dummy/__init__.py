"""Random rows."""
