"""Questions about the raw data: one module each, found by its registry."""
