"""Mean average precision among the rows of a batch."""
