"""What is to be run: the plan, where it is read from, and the cases it makes."""
