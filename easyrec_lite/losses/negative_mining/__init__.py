"""The softmax over a row's positive and items of other rows of the batch."""
