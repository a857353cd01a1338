"""Metrics, a folder each: `state` of each batch, merged, then computed."""
