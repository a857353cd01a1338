"""FiBiNet."""
