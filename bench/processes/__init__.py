"""Child processes: started, supervised, and gone when the command ends."""
