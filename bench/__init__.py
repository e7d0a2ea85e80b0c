"""The suite: what to run, running it, recording it and showing it."""

import os

# Pictures go to files and look alike everywhere, so the backend that a notebook has set and
# the user's own matplotlibrc do not apply. Child processes import this module, too.
os.environ["MPLBACKEND"] = "agg"
os.environ["MATPLOTLIBRC"] = os.devnull
