"""Data: readers, samplers, data sets. Importing this package does not import TensorFlow."""
