"""SeqAugment."""
