"""Pictures as files, one kind each."""
