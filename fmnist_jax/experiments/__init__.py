"""Networks that start from, or end in, something else: run when named, not as part of all."""
