"""Define the command line: one thin function per verb, with heavy imports inside."""

import shlex
import sys

import typer

from bench import options
from bench.processes import reaper
from fmnist_jax.errors import UserError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="How well, and how fast, does this hardware learn Fashion-MNIST?",
)


def command() -> str:
    """Return this command line, for the records."""
    return shlex.join(["python", "-m", "bench", *sys.argv[1:]])


@app.command()
@reaper.kill_descendants_on_exit()
def run(
    models: options.Models = None,
    all_: options.All = False,
    config: options.Config = None,
    set_: options.Set = None,
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    seeds: options.Seeds = None,
    jobs: options.Jobs = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    cluster: options.Cluster = None,
    coordinator: options.Coordinator = None,
    processes: options.Processes = None,
    process_id: options.ProcessId = None,
    results: options.Results = options.DEFAULT_RESULTS,
    fresh: options.Fresh = False,
    progress: options.Progress = "auto",
    debug: options.Debug = False,
) -> int:
    """Train, measure, record and report."""
    from bench.plan import load

    if models and all_:
        raise UserError("--all runs every model: give either names or --all")
    if not models and not all_:
        raise UserError("name the models to run, or give --all; python -m bench list shows them")
    plan = load.load(
        config,
        set_ or (),
        models=models or None,
        dataset=dataset,
        seeds=seeds,
        jobs=load.parse_value(jobs) if jobs else None,
        timeout=timeout,
        retries=retries,
    )
    from bench.commands import run as suite
    from bench.execution.multihost.rank import find_rank

    rank = find_rank(coordinator, processes, process_id)
    if rank and cluster:
        raise UserError("--cluster runs each case on a machine, --coordinator one on all: not both")
    return suite.run(
        plan,
        results,
        command=command(),
        data_dir=data_dir,
        cluster=cluster,
        rank=rank,
        fresh=fresh,
        progress=progress,
        debug=debug,
    )


@app.command("list")
def list_(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """Show models, baselines, datasets and configs."""
    from bench.commands import list as catalogue

    catalogue.show(catalogue.catalogue(), as_json)


@app.command()
def table(
    sections: options.Sections = None,
    results: options.Results = options.DEFAULT_RESULTS,
    format_: options.Format = "rich",
    out: options.TableOut = None,
    write: options.Write = None,
    debug: options.Debug = False,
) -> None:
    """Print tables from the records: accuracy and speed, classes, calibration, others."""
    from bench.commands import table as tables

    tables.table(results, sections or (), format_, out, write)


@app.command()
def compare(
    machines: options.Machines = None,
    baseline: options.Baseline = None,
    results: options.Results = options.DEFAULT_RESULTS,
    format_: options.ComparisonFormat = "rich",
    debug: options.Debug = False,
) -> None:
    """Put the records of several machines side by side, as ratios to one of them."""
    from bench.commands import compare as comparison

    comparison.compare(results, machines or (), baseline, format_)


@app.command()
def gradcam(
    model: options.Network,
    index: options.Indices = None,
    wrong: options.Wrong = 0,
    per_class: options.PerClass = None,
    target: options.ExplainedClass = "predicted",
    method: options.Methods = None,
    layer: options.Layer = "features",
    results: options.Results = options.DEFAULT_RESULTS,
    out: options.ExplanationsOut = None,
    format_: options.DigestFormat = "rich",
    debug: options.Debug = False,
) -> None:
    """Show where a trained network looks, and how faithful that picture is."""
    from bench.commands import gradcam as explanations
    from fmnist_jax.explain.selection import Selection

    explanations.gradcam(
        model,
        Selection(tuple(index or ()), wrong, per_class),
        target=target,
        methods=method or (),
        layer=layer,
        results=results,
        out=out,
        format_=format_,
    )


@app.command()
def analyze(
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    out: options.AnalysisOut = None,
    only: options.Parts = None,
    format_: options.DigestFormat = "rich",
    debug: options.Debug = False,
) -> None:
    """Analyse the raw data: a digest on the screen, JSON and figures in a folder."""
    from bench.commands import analyze as analysis

    analysis.analyze(
        dataset,
        options.DEFAULT_RESULTS,
        data_dir=data_dir,
        out=out,
        only=only or (),
        format_=format_,
    )


@app.command()
def report(
    results: options.Results = options.DEFAULT_RESULTS,
    out: options.ReportOut = None,
    open_: options.Open = False,
    debug: options.Debug = False,
) -> None:
    """Write one HTML file to pass on: tables, charts, pictures, every record."""
    from bench.commands import report as page

    page.report(results, out, open_)


@app.command()
@reaper.kill_descendants_on_exit()
def peers(
    models: options.PeerModels = None,
    framework: options.Frameworks = None,
    batch: options.Batches = None,
    rounds: options.Rounds = 5,
    flip: options.Flip = False,
    results: options.Results = options.DEFAULT_RESULTS,
    progress: options.Progress = "auto",
    debug: options.Debug = False,
) -> int:
    """Time the same networks in other frameworks, side by side."""
    from bench.commands import peers as comparison

    return comparison.peers(
        models or (),
        framework or (),
        batch or (128, 256),
        rounds,
        results,
        command=command(),
        flip=flip,
        progress=progress,
        debug=debug,
    )


@app.command()
@reaper.kill_descendants_on_exit()
def doctor(
    as_json: options.Json = False,
    results: options.Results = options.DEFAULT_RESULTS,
    data_dir: options.DataDir = None,
    debug: options.Debug = False,
) -> int:
    """Say what this machine has, what is missing, and whether records are fit to contribute."""
    from bench.commands import doctor as examination

    return examination.doctor(results, data_dir, as_json)
