"""DropoutNet."""
