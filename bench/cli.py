"""The command line: one thin function per verb, heavy imports inside it.

stdout carries results, stderr progress and messages. Exit codes: 0 all cases
finished; 1 some case failed; 2 bad usage, config or data; 130 interrupted, by
Ctrl-C or SIGTERM.
"""

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.processes import reaper
from bench.processes.signals import EXIT_CODE
from fmnist_jax.errors import UserError

app = typer.Typer(
    name="python -m bench",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="How well, and how fast, does this hardware learn Fashion-MNIST?",
)

Results = Annotated[Path, typer.Option("--results", help="The results folder.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder with the official idx files.")
]
Progress = Annotated[
    Literal["auto", "plain", "none"],
    typer.Option("--progress", help="Bars on a terminal and lines in a log; only lines; nothing."),
]
DEFAULT_RESULTS = Path("results")


def main() -> int:
    """Run the command line and return its exit code."""
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same as Ctrl-C
    try:
        # typer makes exit code 130 of an interrupt that no verb has caught.
        return app(standalone_mode=False) or 0
    except typer.TyperException as error:
        if not error.format_message():  # the help was asked for by giving nothing
            return error.exit_code
        return _say(f"{error.format_message()} (see python -m bench --help)", error.exit_code)
    except UserError as error:
        if debug:
            raise
        return _say(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_CODE
    except BrokenPipeError:
        # The reader of stdout has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return _say(f"this is a bug in the suite: {text}; --debug shows where", 1)


def _command() -> str:
    return shlex.join(["python", "-m", "bench", *sys.argv[1:]])


def _say(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


@app.command()
@reaper.kill_descendants_on_exit()
def run(
    models: Annotated[list[str] | None, typer.Argument(help="Models or baselines to run.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run every model of the config.")] = False,
    config: Annotated[
        str | None, typer.Option("--config", help="A TOML file, or a suite's name: smoke.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field: resnet.epochs=5."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="auto, fashion_mnist, mnist, synthetic.")
    ] = None,
    data_dir: DataDir = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Seeds of each model.")] = None,
    jobs: Annotated[str | None, typer.Option("--jobs", help="Cases side by side, or auto.")] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds after which a case is stopped.")
    ] = None,
    retries: Annotated[
        int | None, typer.Option("--retries", help="More attempts at a case that died or hung.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="A Dask scheduler (tcp://host:port), slurm, pbs, sge ..."),
    ] = None,
    coordinator: Annotated[
        str | None,
        typer.Option(
            "--coordinator",
            metavar="HOST:PORT",
            help="Train networks over several hosts: where process 0 is, or auto.",
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", help="How many hosts train together.")
    ] = None,
    process_id: Annotated[
        int | None, typer.Option("--process-id", help="Which of them this is; 0 leads.")
    ] = None,
    results: Results = DEFAULT_RESULTS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run all again, from the start.")] = False,
    progress: Progress = "auto",
    debug: Debug = False,
) -> int:
    """Train, measure, record and report."""
    from bench.commands import run as suite
    from bench.execution.hosts import seat
    from bench.plan import load

    if models and all_:
        raise UserError("--all runs every model: name some, or give --all, not both")
    if not models and not all_:
        raise UserError("name the models to run, or give --all; python -m bench list shows them")
    plan = load.load(
        config,
        set_ or (),
        models=tuple(dict.fromkeys(models)) if models else None,
        dataset=dataset,
        seeds=seeds,
        jobs=int(jobs) if jobs and jobs.lstrip("-").isdigit() else jobs,
        timeout=timeout,
        retries=retries,
    )
    place = seat.find(coordinator, processes, process_id)
    if place and cluster:
        raise UserError("--cluster runs each case on a machine, --coordinator one on all: not both")
    return suite.run(
        plan,
        results,
        command=_command(),
        data_dir=data_dir,
        cluster=cluster,
        seat=place,
        fresh=fresh,
        progress=progress,
        debug=debug,
    )


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    debug: Debug = False,
) -> None:
    """Show models, baselines, datasets and configs."""
    from bench.commands import list as catalogue

    catalogue.show(catalogue.catalogue(), as_json)


@app.command("table")
def table_(
    results: Results = DEFAULT_RESULTS,
    format_: Annotated[
        Literal["rich", "markdown", "csv", "json"], typer.Option("--format")
    ] = "rich",
    write: Annotated[
        Path | None, typer.Option("--write", help="Regenerate the marked block of this file.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Print the accuracy table from the records."""
    from rich.console import Console

    from bench.records import store
    from bench.reporting import progress as screens
    from bench.reporting.sections import accuracy as table
    from bench.reporting.sections import grid
    from bench.reporting.sections import roofline as limits

    screens.show_logs(Console(stderr=True))
    if not results.is_dir():
        raise UserError(f"no results folder {results}: python -m bench run --all makes one")
    records = [stored.record for stored in store.read(results)]
    found, grids = table.tables(records), grid.summaries(records)
    if not found and not grids and format_ != "json":
        raise UserError(f"no finished record in {results}: python -m bench run --all makes some")
    parts = (table.markdown(found), limits.markdown(found), grid.markdown(grids))
    text = "\n".join(part for part in parts if part)
    if write:
        table.write_block(write, text)
    match format_:
        case "rich":
            out = table.screen()
            for made in found:
                out.print(table.rich(made, out.width))
                if networks := limits.rows([made]):
                    out.print(limits.rich(networks))
            for summary in grids:
                out.print(grid.rich(summary))
        case "markdown":
            sys.stdout.write(text)
        case "csv":
            sys.stdout.write(table.as_csv(table.flat(found) + grid.flat(grids)))
        case "json":
            sys.stdout.write(table.as_json(table.flat(found) + grid.flat(grids)))


@app.command()
@reaper.kill_descendants_on_exit()
def peers(
    models: Annotated[list[str] | None, typer.Argument(help="resnet, cnn; both.")] = None,
    framework: Annotated[
        list[str] | None, typer.Option("--framework", help="flax, torch, keras; all installed.")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option("--batch", min=1, help="Of training; 128 and 256.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Blocks of each measure.")] = 5,
    flip: Annotated[bool, typer.Option("--flip", help="Mirror training images at random.")] = False,
    results: Results = DEFAULT_RESULTS,
    progress: Progress = "auto",
    debug: Debug = False,
) -> int:
    """Time the same networks in other frameworks, side by side."""
    from bench.commands import peers as comparing
    from bench.measure import machine
    from bench.peers import entries as entrants
    from bench.peers import report
    from bench.peers import schema as record
    from bench.records import store
    from bench.reporting.sections import accuracy as table

    names = entrants.models(models or ())
    chosen, missing = entrants.entrants(framework or ())
    store.check_writable(results)
    host = machine.inspect(_command())
    batches = tuple(dict.fromkeys(batch or (128, 256)))
    try:
        made = comparing.run(host, names, chosen, missing, batches, rounds, flip, progress, debug)
    except KeyboardInterrupt:
        print("interrupted; a comparison is stored only when it is complete", file=sys.stderr)
        return EXIT_CODE
    path = record.write(results, made)
    out = table.screen()
    for name in names:
        out.print(report.table(made, name))
    out.print(report.versions(made), highlight=False)
    print(path, file=sys.stderr)
    return int(any(entry.status == "failed" for entry in made.entries))
