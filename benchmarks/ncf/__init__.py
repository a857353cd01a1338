"""Study of retrieval quality on MovieLens-1M: `python -m benchmarks.ncf`."""
