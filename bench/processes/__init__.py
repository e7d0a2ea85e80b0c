"""What the command as a whole owes the system: signals answered, no process left behind."""
