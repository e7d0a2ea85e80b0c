"""Where a network looks, and whether it really does: maps and their faithfulness."""
