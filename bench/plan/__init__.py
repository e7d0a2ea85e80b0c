"""Plan a run: read the config, and make its cases."""
