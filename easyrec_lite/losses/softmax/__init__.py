"""The softmax over the candidates of a batch."""
