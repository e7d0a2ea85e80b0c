"""Records of a grid, summarised per family: for the terminal, for Markdown and for programs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from rich.table import Table as RichTable

from bench.records.schema import Record
from bench.reporting.metrics import percentage, seconds
from bench.reporting.sections.accuracy import FOOTNOTE, SYNTHETIC, SYNTHETIC_NOTE, Plain, lines_of
from fmnist_jax.learner import LEARNERS

CHOICE = "best configuration: by validation accuracy"
OFFICIAL = (
    "official best: the family's highest test accuracy with all 60,000 training images "
    "in Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747, table 3"
)


@dataclass(frozen=True)
class Family:
    """The grid of one model, over all machines that worked at it.

    Attributes:
        model: its name.
        configurations: how many points of the grid were tried.
        finished: of these, how many have a finished run.
        timed_out: how many were stopped at the time limit, and never finished.
        failed: how many failed, ran out of memory or diverged, and never finished.
        best: the point of the highest validation accuracy; None where none finished.
        validation_accuracy: its own, the mean over its seeds.
        test_accuracy: likewise.
        official: the highest test accuracy of the family in the dataset's own benchmark.
        median_fit_s: seconds of training, over the finished configurations.
        total_fit_s: their sum.
        contended: any of these shared its machine with other work.
    """

    model: str
    configurations: int
    finished: int
    timed_out: int
    failed: int
    best: dict[str, Any] | None
    validation_accuracy: float | None
    test_accuracy: float | None
    official: float | None
    median_fit_s: float | None
    total_fit_s: float | None
    contended: bool


@dataclass(frozen=True)
class Summary:
    """Comparable families: one dataset, split one way."""

    dataset: str
    train_images: int | None
    test_images: int | None
    machines: tuple[str, ...]
    families: tuple[Family, ...]

    @property
    def title(self) -> str:
        """What the families have in common, with the warning that synthetic data needs."""
        sizes = [
            f"{size:,} {kind} images"
            for size, kind in ((self.train_images, "training"), (self.test_images, "test"))
            if size
        ]
        title = ", ".join([f"Grid on {self.dataset}", *sizes])
        return f"{title} ({SYNTHETIC_NOTE})" if self.dataset == SYNTHETIC else title

    @property
    def notes(self) -> list[str]:
        """What a reader must know of the figures."""
        stars = [FOOTNOTE] if any(family.contended for family in self.families) else []
        official = [OFFICIAL] if any(family.official for family in self.families) else []
        return [CHOICE, *official, *stars, f"machines: {', '.join(self.machines)}"]


def point(varied: dict[str, Any]) -> str:
    """A point of a grid in words: "C=10, kernel=rbf"."""
    values = ((k, f"{v:g}" if isinstance(v, float) else v) for k, v in varied.items())
    return ", ".join(f"{name}={value}" for name, value in values)


def summaries(records: Iterable[Record]) -> list[Summary]:
    """Group the records of grids by dataset and split, real data first.

    Of each configuration and seed the newest finished run counts, wherever it
    ran; the newest other run counts where none finished.
    """
    groups: dict[tuple[Any, ...], dict[tuple[str, str, int], Record]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: record.run.started):
        case = record.case
        if case.point is None:
            continue
        runs = groups[case.dataset, case.dataset_sha256, *case.config["data"].items()]
        key = (case.model, case.config_hash, case.seed)
        if record.run.status == "ok" or key not in runs or runs[key].run.status != "ok":
            runs[key] = record
    made = [_summary(list(runs.values())) for runs in groups.values()]
    return sorted(made, key=lambda summary: summary.dataset == SYNTHETIC)


def _summary(records: Sequence[Record]) -> Summary:
    families: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        families[record.case.model][record.case.config_hash].append(record)
    rows = [_family(list(runs.values())) for runs in families.values()]
    case = records[0].case
    return Summary(
        dataset=case.dataset,
        train_images=case.config["data"]["train_images"],
        test_images=case.config["data"]["test_images"],
        machines=tuple(sorted({record.machine.id for record in records})),
        families=tuple(sorted(rows, key=lambda row: -(row.validation_accuracy or 0.0))),
    )


def _family(configurations: Sequence[Sequence[Record]]) -> Family:
    """One row, from the runs of each configuration, a run per seed."""
    finished = [
        done for runs in configurations if (done := [r for r in runs if r.run.status == "ok"])
    ]
    lost = [
        {run.run.status for run in runs}
        for runs in configurations
        if not any(run.run.status == "ok" for run in runs)
    ]
    best = max(finished, key=_validation_accuracy, default=None)
    times = [median(run.time.fit_s or 0.0 for run in runs) for runs in finished]
    case = configurations[0][0].case
    return Family(
        model=case.model,
        configurations=len(configurations),
        finished=len(finished),
        timed_out=sum("timeout" in statuses for statuses in lost),
        failed=sum(
            "timeout" not in statuses and bool(statuses & {"failed", "oom", "diverged"})
            for statuses in lost
        ),
        best=best[0].case.point if best else None,
        validation_accuracy=_validation_accuracy(best) if best else None,
        test_accuracy=fmean(r.quality.test_accuracy or 0.0 for r in best) if best else None,
        official=_official(case.model) if case.dataset == "fashion_mnist" else None,
        median_fit_s=median(times) if times else None,
        total_fit_s=sum(times) if times else None,
        contended=any(run.run.contended for runs in finished for run in runs),
    )


def _validation_accuracy(runs: Sequence[Record]) -> float:
    return fmean(run.quality.validation_accuracy or 0.0 for run in runs)


def _official(model: str) -> float | None:
    return LEARNERS[model].official_accuracy if model in LEARNERS.catalogue else None


HEADINGS = (
    "family",
    "tried",
    "finished",
    "timed out",
    "failed",
    "best configuration",
    "validation",
    "test",
    "official best",
    "median fit",
    "all fits",
)
WORDS = ("family", "best configuration")  # not numbers, so aligned to the left


def cells(row: Family) -> list[str]:
    """A family as it is printed; a star marks timings taken beside other work."""
    star = "*" if row.contended else ""
    accuracies = (row.validation_accuracy, row.test_accuracy)
    return [
        row.model,
        *map(str, (row.configurations, row.finished, row.timed_out, row.failed)),
        point(row.best) if row.best else "–",
        *("–" if value is None else percentage(value) for value in accuracies),
        "–" if row.official is None else f"{100 * row.official:.1f}%",
        *("–" if t is None else seconds(t) + star for t in (row.median_fit_s, row.total_fit_s)),
    ]


def rich(summary: Summary) -> RichTable:
    """For a terminal."""
    made = RichTable(
        title=summary.title,
        caption="\n".join(summary.notes),
        caption_justify="left",
        title_style="bold red" if summary.dataset == SYNTHETIC else "bold",
    )
    for heading in HEADINGS:
        made.add_column(heading, justify="left" if heading in WORDS else "right")
    for family in summary.families:
        made.add_row(*cells(family))
    return made


def markdown(found: Sequence[Summary]) -> str:
    """Every summary under a heading of its own; empty without any."""
    blocks = []
    for summary in found:
        families = map(cells, summary.families)
        lines = [f"**{summary.title}**", "", *lines_of(HEADINGS, WORDS, families)]
        lines += ["", "<br>\n".join(summary.notes).replace("*", r"\*")]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def flat(found: Sequence[Summary]) -> Plain:
    """Every family as plain values, for JSON and CSV."""
    return [
        {
            "dataset": summary.dataset,
            "synthetic": summary.dataset == SYNTHETIC,
            "grid": True,
            "train_images": summary.train_images,
            "test_images": summary.test_images,
            "machine": ", ".join(summary.machines),
            **vars(family),
        }
        for summary in found
        for family in summary.families
    ]
