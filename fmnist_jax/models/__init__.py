"""The networks, one file each; every registered class is a model of `python -m bench`."""
