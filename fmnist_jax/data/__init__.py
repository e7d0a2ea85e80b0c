"""Datasets: acquiring, verifying, caching, splitting and augmenting them."""
