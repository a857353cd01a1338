"""BiLinear."""
