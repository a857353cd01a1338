"""Highway."""
