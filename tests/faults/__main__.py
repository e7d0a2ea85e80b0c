"""Cause every fault and print the table; exit code 1 if any cost more than it may."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import cluster, command, multihost, workers  # noqa: F401  # register theirs
from tests.faults.registry import FAULTS, SLOW, Skipped


def main(arguments: list[str]) -> int:
    """Cause the faults whose title holds one of the words, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults with one of these in the title")
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    options = parser.parse_args(arguments)
    made = Table("fault", "outcome", title="What a fault costs")
    made.add_column("records lost", justify="right")
    made.add_column("seconds", justify="right")
    bad = 0
    errors = Console(stderr=True)
    logging.getLogger("fmnist_jax").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="fmnist-jax-faults-") as everything:
        for title, cause in FAULTS.items():
            if options.words and not any(word in title for word in options.words):
                continue
            if options.quick and title in SLOW:
                continue
            errors.print(f"{title} ...")
            folder = Path(tempfile.mkdtemp(dir=everything))
            began = time.monotonic()
            try:
                seen = cause(folder)
                outcome, lost = seen.outcome, str(seen.lost)
                bad += seen.lost > 0
            except Skipped as reason:
                outcome, lost = f"skipped: {reason}", "–"
            except Exception as error:  # an assertion, or anything that the fault broke
                errors.print_exception()
                outcome, lost = f"NOT CONTAINED: {type(error).__name__}, see above", "?"
                bad += 1
            made.add_row(title, outcome, lost, f"{time.monotonic() - began:.1f}")
    Console(width=None if sys.stdout.isatty() else 140, highlight=False).print(made)
    return int(bad > 0 or not made.row_count)


if __name__ == "__main__":  # worker processes import this module, too
    sys.exit(main(sys.argv[1:]))
