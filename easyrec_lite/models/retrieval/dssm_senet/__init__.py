"""DSSM with SENet."""
