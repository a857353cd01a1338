"""The cache: transformed rows on disk, for data that is read more than once."""
