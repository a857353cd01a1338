"""The bilateral softmax."""
