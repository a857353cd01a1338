"""Data sets that can be made on the spot, or prepared from public downloads."""
