"""The names of what ranks the items: the model, and its baselines."""

from __future__ import annotations

MODEL, POPULARITY, ITEM_KNN, RANDOM = "model", "popularity", "item-kNN", "random"
# The baselines that a model has to beat, the first of them always there.
REFERENCES = (POPULARITY, ITEM_KNN)
