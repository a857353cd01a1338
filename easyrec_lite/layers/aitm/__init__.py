"""AITMTower."""
