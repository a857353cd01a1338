"""DSSM."""
