"""`python -m bench table`: the accuracy table from the records."""

import sys
from pathlib import Path
from typing import Literal

from rich.console import Console

from bench.records import store
from bench.reporting import progress as screens
from bench.reporting.sections import accuracy, grid, roofline
from fmnist_jax.errors import UserError
from fmnist_jax.system.paths import folder_problem

Format = Literal["rich", "markdown", "csv", "json"]


def table(results: Path, format_: Format, write: Path | None) -> None:
    """Print the tables of the records in `results`, and put them into the file `write`.

    Raises:
        UserError: no such folder, no finished record in it, or `write` cannot be written.
    """
    screens.show_logs(Console(stderr=True))
    if problem := folder_problem(results):
        raise UserError(
            f"the results folder {results} {problem}: python -m bench run --all makes one"
        )
    records = [stored.record for stored in store.read(results)]
    tables, grids = accuracy.tables(records), grid.summaries(records)
    if not tables and not grids and format_ != "json":
        raise UserError(f"no finished record in {results}: python -m bench run --all makes some")
    parts = (accuracy.markdown(tables), roofline.markdown(tables), grid.markdown(grids))
    text = "\n".join(part for part in parts if part)
    if write:
        accuracy.write_block(write, text)
    match format_:
        case "rich":
            out = accuracy.screen()
            for each in tables:
                out.print(accuracy.rich(each, out.width))
                if networks := roofline.rows([each]):
                    out.print(roofline.rich(networks))
            for summary in grids:
                out.print(grid.rich(summary))
        case "markdown":
            sys.stdout.write(text)
        case "csv":
            sys.stdout.write(accuracy.as_csv(accuracy.flat(tables) + grid.flat(grids)))
        case "json":
            sys.stdout.write(accuracy.as_json(accuracy.flat(tables) + grid.flat(grids)))
