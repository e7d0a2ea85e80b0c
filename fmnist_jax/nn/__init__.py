"""Layers whose lowering is tuned per backend."""
