"""The decoupled contrastive loss."""
