"""Define the options of the command line: names, types, help and completion.

`path_option` is the only place that turns an option into a path.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fmnist_jax.errors import UserError
from fmnist_jax.system.paths import parse_path


def path_option(name: str, *, metavar: str, **settings: Any) -> Any:
    """Return an option that names a file or folder; its value is an absolute path."""
    return typer.Option(name, parser=_path, metavar=metavar, **settings)


def _path(text: str | Path) -> Path:
    try:
        return parse_path(text)
    except UserError as error:
        raise typer.BadParameter(str(error)) from None


def _complete(*sections: str) -> Callable[[str], list[str]]:
    """Return a completer of names in these sections of the catalogue."""

    def complete(incomplete: str) -> list[str]:
        from bench.commands.list import catalogue

        entries = catalogue()
        return [n for section in sections for n in entries[section] if n.startswith(incomplete)]

    return complete


# Options of several verbs.
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[Path, path_option("--results", metavar="DIR", help="The results folder.")]
DEFAULT_RESULTS = Path("results")
Progress = Annotated[
    Literal["auto", "plain", "none"],
    typer.Option(
        "--progress", help="auto: bars on a terminal, else lines; plain: lines; none: nothing."
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="auto, fashion_mnist, mnist, synthetic.",
        autocompletion=_complete("datasets"),
        show_default="auto",
    ),
]
DataDir = Annotated[
    Path | None,
    path_option(
        "--data-dir",
        metavar="DIR",
        help="Folder with the official idx files.",
        show_default="FMNIST_DATA_DIR, else the cache, else the network",
    ),
]

# Options of run. None leaves a field of the config as it is; the help shows the default's value.
Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="Models or baselines to run.",
        autocompletion=_complete(
            "models", "baselines", "accelerator", "experiments", "reference", "xiao2017"
        ),
    ),
]
All = Annotated[bool, typer.Option("--all", help="Run every model of the config.")]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE|NAME",
        help="A TOML file, or the name of a config.",
        autocompletion=_complete("configs"),
        show_default="default",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a field, as in resnet.epochs=5."),
]
Seeds = Annotated[
    int | None, typer.Option("--seeds", help="Seeds of each model.", show_default="1")
]
Jobs = Annotated[
    str | None,
    typer.Option("--jobs", metavar="N|auto", help="Cases side by side.", show_default="auto"),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", help="Seconds after which a case is stopped.", show_default="3600.0"),
]
Retries = Annotated[
    int | None,
    typer.Option(
        "--retries",
        help="Further attempts at a case that died, hung or ran out of memory.",
        show_default="0",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS|KIND",
        help="A Dask scheduler (tcp://host:port), slurm, pbs, sge ...",
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(
        "--coordinator",
        metavar="HOST:PORT",
        help="Train networks over several hosts: where process 0 is, or auto.",
    ),
]
Processes = Annotated[int | None, typer.Option("--processes", help="Hosts that train together.")]
ProcessId = Annotated[int | None, typer.Option("--process-id", help="Which this is; 0 leads.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run finished cases again, from the start.")]

# Options of table.
Sections = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SECTION]...",
        help="accuracy, per_class, robustness ...",
        autocompletion=_complete("sections"),
        show_default="all",
    ),
]
Format = Annotated[
    Literal["rich", "markdown", "csv", "json", "html", "parquet"],
    typer.Option("--format", help="How to render them; parquet: the records themselves."),
]
TableOut = Annotated[
    Path | None,
    path_option("--out", metavar="FILE", help="Write to this file.", show_default="screen"),
]
Write = Annotated[
    Path | None,
    path_option("--write", metavar="FILE", help="Regenerate the marked blocks of this file."),
]

# Options of compare.
Machines = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MACHINE]...", help="Machines to compare.", show_default="all"),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="MACHINE",
        help="The machine that the others are related to.",
        show_default="the first of several named, else the one that most can be compared with",
    ),
]
ComparisonFormat = Annotated[
    Literal["rich", "markdown", "csv", "json"],
    typer.Option("--format", help="How to render the tables."),
]

# Options of analyze.
AnalysisOut = Annotated[
    Path | None,
    path_option(
        "--out", metavar="DIR", help="The folder to write.", show_default="analysis/DATASET"
    ),
]
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="PART",
        help="Name or number of a part.",
        autocompletion=_complete("analysis"),
        show_default="1 to 10",
    ),
]
DigestFormat = Annotated[Literal["rich", "json"], typer.Option("--format", help="What to print.")]

# Options of gradcam.
Network = Annotated[
    str, typer.Argument(help="A network with convolutions.", autocompletion=_complete("models"))
]
Indices = Annotated[
    list[int] | None,
    typer.Option("--index", metavar="I", help="A test image, by its published position."),
]
Wrong = Annotated[
    int, typer.Option("--wrong", metavar="N", min=0, help="The N most confident mistakes.")
]
PerClass = Annotated[
    int | None,
    typer.Option(
        "--per-class",
        metavar="N",
        min=0,
        help="The first N test images of each class.",
        show_default="1 without --index and --wrong",
    ),
]
ExplainedClass = Annotated[
    str, typer.Option("--target", help="Class to explain: predicted, true, a name or number.")
]
Methods = Annotated[
    list[str] | None,
    typer.Option("--method", metavar="NAME", help="gradcam, hirescam ...", show_default="all"),
]
Layer = Annotated[str, typer.Option("--layer", metavar="NAME", help="Feature map to explain.")]
ExplanationsOut = Annotated[
    Path | None,
    path_option("--out", metavar="DIR", help="The folder to write.", show_default="gradcam/MODEL"),
]

# Options of peers.
PeerModels = Annotated[list[str] | None, typer.Argument(help="resnet, cnn.", show_default="both")]
Frameworks = Annotated[
    list[str] | None,
    typer.Option(
        "--framework", metavar="NAME", help="flax, torch, keras.", show_default="all installed"
    ),
]
Batches = Annotated[
    list[int] | None,
    typer.Option("--batch", min=1, help="Images of a training batch.", show_default="128 and 256"),
]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Blocks of each measure.")]
Flip = Annotated[bool, typer.Option("--flip", help="Mirror training images at random.")]

# Options of report.
ReportOut = Annotated[
    Path | None,
    path_option("--out", metavar="FILE", help="The file to write.", show_default="report.html"),
]
Open = Annotated[bool, typer.Option("--open", help="Show it in the web browser.")]
