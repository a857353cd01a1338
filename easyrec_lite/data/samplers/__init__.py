"""Negative samplers: a folder a sampler, and what they share. Does not import TensorFlow."""
