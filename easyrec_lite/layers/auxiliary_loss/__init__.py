"""AuxiliaryLoss."""
