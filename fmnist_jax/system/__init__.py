"""The operating system: processors, parent processes, files."""
