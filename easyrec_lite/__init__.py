"""easyrec_lite: config-driven training of two-tower retrieval models on TensorFlow."""

__version__ = "0.1.0"
