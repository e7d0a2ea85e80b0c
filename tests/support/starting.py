"""Programs in a process of their own, where jax has been told nothing."""

import json
import os
import subprocess
import sys


def start(program, *arguments):
    """What it prints, read as JSON; its warnings are errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return json.loads(done.stdout)
