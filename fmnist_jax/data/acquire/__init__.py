"""Acquire datasets from the cache and over the network."""
