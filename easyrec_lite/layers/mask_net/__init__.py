"""MaskNet and its MaskBlock."""
