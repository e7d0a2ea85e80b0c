"""The frameworks that are compared, one file each."""
