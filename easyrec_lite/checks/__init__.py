"""What can be known about a config before any data is read: problems and memory. No TensorFlow."""
