"""MLP and DNN."""
