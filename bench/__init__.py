"""The suite: what to run, running it, recording it and showing it."""
