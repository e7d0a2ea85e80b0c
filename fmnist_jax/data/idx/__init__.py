"""The idx file format, and datasets that are published in it."""
