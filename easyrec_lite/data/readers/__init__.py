"""Readers: from files to columns, a folder a format. Does not import TensorFlow."""
