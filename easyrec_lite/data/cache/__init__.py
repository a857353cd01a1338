"""Rows as the model reads them, kept on disk for data that is read more than once."""
