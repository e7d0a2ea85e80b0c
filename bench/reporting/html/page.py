"""Put the page together: the template, with style, scripts, tables, charts and pictures inline."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bench.reporting.html.analysis import read_analysis
from bench.reporting.html.charts import CHARTS, Chart
from bench.reporting.html.explained import Explained, read_explained
from bench.reporting.html.overview import summarise
from bench.reporting.html.pictures import Album, Picture, read_gallery
from bench.reporting.html.runs import render_records
from bench.reporting.html.source import Source, read_source
from bench.reporting.rendering.formats import render
from bench.reporting.section import Section, get_sections
from fmnist_jax.errors import printable

ANALYSIS = "analysis"  # where `python -m bench analyze` writes


@dataclass(frozen=True)
class Topic:
    """A chapter of the page.

    Attributes:
        name: of its anchor.
        title: heads it.
        sections: names of the sections whose tables are in it.
        charts: names in `CHARTS`.
        gallery: kind of the pictures.
        about: says what the pictures show.
        folder: where a verb leaves explanations of further images, in the working directory.
    """

    name: str
    title: str
    sections: Sequence[str] = ()
    charts: Sequence[str] = ()
    gallery: str = ""
    about: str = ""
    folder: str = ""


TOPICS = (
    Topic("accuracy", "Accuracy and speed", ["accuracy"], ["tradeoff"]),
    Topic(
        "learning",
        "Learning",
        ["time_to_accuracy", "time_to_target"],
        ["learning", "time_to_accuracy"],
    ),
    Topic(
        "classes",
        "Classes and mistakes",
        ["per_class"],
        ["confusion", "per_class"],
        "mistakes",
        "The most confident mistakes on test images, of one run of each model.",
    ),
    Topic(
        "trust",
        "Calibration and robustness",
        ["calibration", "robustness"],
        ["calibration", "robustness"],
    ),
    Topic(
        "explanations",
        "Explanations",
        ["explanations"],
        (),
        "gradcam",
        "Grad-CAM: where the network looks, for a right and a wrong prediction of each class.",
        "gradcam",
    ),
    Topic("hardware", "Hardware", ["roofline", "energy"], ["hardware"]),
    Topic(
        "reported",
        "Beside what others report",
        ["official", "grid", "experiments", "peers"],
        ["official", "peers"],
    ),
)
FURTHER = Topic("further", "Further tables")


@dataclass(frozen=True)
class Chapter:
    """What a topic has to show: rendered tables, charts, pictures, further explanations."""

    topic: Topic
    tables: list[Markup] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    explained: list[Explained] = field(default_factory=list)

    @property
    def has_content(self) -> bool:
        """Whether there is anything."""
        return bool(self.tables or self.charts or self.pictures or self.explained)


def make_page(results: Path, work: Path) -> str:
    """Make the page of a results folder.

    Args:
        results: the results folder; it may be empty.
        work: where other verbs left their folders: `analysis`, one per dataset, and `gradcam`,
            one per model; both may be missing.
    """
    source, album = read_source(results), Album()
    section, environments = render_records(source)
    chapters = [_chapter(topic, source, work, album) for topic in _topics()]
    digests = {found.record.case.dataset_sha256 for found in source.stored.values()}
    parts = read_analysis(work / ANALYSIS, digests, album)
    plotly = _plotly() if any(chapter.charts for chapter in chapters) else ""
    script = _asset("tables.js") + _asset("charts.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    return environment.from_string(_asset("template.html.j2")).render(
        overview=summarise(source),
        chapters=[chapter for chapter in chapters if chapter.has_content],
        analysis=parts,
        records=_tables(section, source),
        environments=environments,
        left_out=album.left_out,
        style=Markup(_asset("style.css")),
        plotly=Markup(plotly),
        script=Markup(script),
        policy=_policy([plotly, script]),
    )


def _topics() -> list[Topic]:
    """Return the topics, the last one with the sections that no other has."""
    named = {name for topic in TOPICS for name in topic.sections}
    others = [section.name for section in get_sections() if section.name not in named]
    return [*TOPICS, Topic(FURTHER.name, FURTHER.title, others)]


def _chapter(topic: Topic, source: Source, work: Path, album: Album) -> Chapter:
    known = {section.name: section for section in get_sections()}
    tables = [_tables(known[name], source) for name in topic.sections if name in known]
    makers: list[Callable[[Source], Chart | None]] = [CHARTS[name] for name in topic.charts]
    charts = [chart for make in makers if (chart := make(source))]
    pictures = read_gallery(source, topic.gallery, album) if topic.gallery else []
    explained = read_explained(work / topic.folder, source, album) if topic.folder else []
    return Chapter(topic, [table for table in tables if table], charts, pictures, explained)


def _tables(section: Section, source: Source) -> Markup:
    """Render a section; what comes from outside is escaped there."""
    return Markup(render(section, source.frames[section.source], "html"))


def _asset(name: str) -> str:
    return (resources.files("bench.reporting.html") / "assets" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    file = resources.files("plotly") / "package_data" / "plotly.min.js"
    return file.read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Allow these scripts and what is inline, and nothing from elsewhere."""
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
