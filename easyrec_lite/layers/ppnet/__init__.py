"""PPNet."""
