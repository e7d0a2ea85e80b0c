"""The methods, one file each; every registered function explains a network."""
