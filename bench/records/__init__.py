"""The records: their schema, their identity, and the folder that holds them."""
