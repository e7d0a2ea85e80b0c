"""How a dataset comes to this machine: folders, the cache, the network."""
