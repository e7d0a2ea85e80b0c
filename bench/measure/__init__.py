"""One case measured in this process: it becomes one record."""
