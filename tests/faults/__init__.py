"""Faults caused on purpose, and what they cost: `python -m tests.faults` or `make faults`."""
