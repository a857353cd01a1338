"""CIN, the compressed interaction network."""
