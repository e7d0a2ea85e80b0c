"""Examine a machine before a run, and records before they are published, topic by topic."""
