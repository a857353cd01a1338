"""Cross, a layer of a deep and cross network."""
