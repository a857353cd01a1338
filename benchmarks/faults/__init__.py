"""Real training processes, killed at random moments, and what became of them."""
