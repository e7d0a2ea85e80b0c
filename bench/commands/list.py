"""`python -m bench list`: show all that has a name: models, datasets, sections, configs."""

import json
import re
from importlib.resources.abc import Traversable

from rich.table import Table
from rich.text import Text

from bench.reporting.metric import METRICS
from bench.reporting.rendering.console import stdout_console
from bench.reporting.section import SECTIONS
from fmnist_jax.analysis.base import PARTS
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.learner import LEARNERS, ON_REQUEST, default_models, models_of

Catalogue = dict[str, dict[str, str]]  # section -> name -> summary


def catalogue() -> Catalogue:
    """Return every registered name with its summary, without importing the entries."""
    from bench.plan.load import named_configs

    default = [LEARNERS.catalogue[name] for name in default_models()]
    return {
        "models": {entry.name: entry.summary for entry in default if ".models." in entry.module},
        "baselines": {
            entry.name: entry.summary for entry in default if ".baselines." in entry.module
        },
        **{
            group: {name: LEARNERS.catalogue[name].summary for name in models_of(group)}
            for group in ON_REQUEST
        },
        "datasets": {entry.name: entry.summary for entry in DATASETS.catalogue.values()},
        "analysis": {entry.name: entry.summary for entry in PARTS.catalogue.values()},
        "sections": {entry.name: entry.summary for entry in SECTIONS.catalogue.values()},
        "metrics": {entry.name: _noun(entry.summary) for entry in METRICS.catalogue.values()},
        "configs": {name: _first_comment(path) for name, path in named_configs().items()},
    }


def show(entries: Catalogue, as_json: bool) -> None:
    """Print the catalogue to stdout."""
    if as_json:
        print(json.dumps(entries, indent=1))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for section, summaries in entries.items():
        table.add_row(Text(section, style="dim"), "")
        for name, summary in summaries.items():
            table.add_row(f"  {name}", summary)
    stdout_console().print(table)


def _noun(summary: str) -> str:
    """Return what a function returns, of the first line of its docstring."""
    text = summary.removeprefix("Return ").removeprefix("the ")
    return text[:1].upper() + text[1:]


def _first_comment(path: Traversable) -> str:
    match = re.match(r"#\s*(.+)", path.read_text(encoding="utf-8"))
    return match[1] if match else ""
