"""FM, the factorization machine."""
