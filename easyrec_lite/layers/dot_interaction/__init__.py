"""DotInteraction."""
