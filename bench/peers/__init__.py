"""The same two networks in other frameworks, timed side by side with this suite's."""
