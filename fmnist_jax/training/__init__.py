"""Training on devices: optimizer, step, engine, and the loop over epochs."""
