"""Readers: from files to columns, one folder a format."""
