"""Networks that want an accelerator: not part of all models, run by the config "accelerator"."""
