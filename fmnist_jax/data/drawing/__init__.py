"""Garments drawn by a program, for when no real data can be had."""
