"""The cosine contrastive loss."""
