"""What is known of the computer that measures: hardware, software, its reach, its other work."""
