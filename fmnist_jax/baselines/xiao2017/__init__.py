"""Families that the dataset's own benchmark has and that nobody would choose today."""
