"""The closing report as a picture for the README, drawn from committed records.

python -m bench.reporting.svg RESULTS OUT.svg
"""

import io
import sys
from pathlib import Path

from bench.records import store
from bench.reporting.rendering.console import PlainConsole
from bench.reporting.summary import print_report
from fmnist_jax.learner import default_models
from fmnist_jax.system.files import write_atomically

WIDTH = 150  # columns: the whole table fits

# rich's own frame without the web font, which would be fetched by whoever reads the page.
FRAME = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def draw(results: Path, out: Path) -> None:
    """Write the closing report of the newest finished runs on real data as an SVG."""
    newest = {
        (stored.record.case.model, stored.record.case.seed): stored
        for stored in store.read(results)
        if stored.record.run.status == "ok"
        and stored.record.case.dataset == "fashion_mnist"
        and stored.record.case.config["data"]["train_images"] is None
        and not stored.record.case.point
        and not stored.record.case.recipe
        and stored.record.case.model in default_models()
    }
    console = PlainConsole(
        width=WIDTH,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    print_report(console, list(newest.values()))
    svg = console.export_svg(title="python -m bench run --all", code_format=FRAME)
    write_atomically(out, svg.encode())


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
