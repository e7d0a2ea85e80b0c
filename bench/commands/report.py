"""`python -m bench report`: one HTML file with everything that the records say."""

import logging
import webbrowser
from pathlib import Path

from bench.reporting.format import size
from bench.reporting.html.page import make_page
from bench.reporting.rendering.console import show_logs, stderr_console
from bench.reporting.rendering.output import check_folder, write_file
from fmnist_jax.errors import printable
from fmnist_jax.system.paths import parse_path

log = logging.getLogger("fmnist_jax")

DEFAULT_OUT = Path("report.html")


def report(results: Path, out: Path | None, open_: bool) -> None:
    """Write the page; stdout carries its path.

    Args:
        results: the results folder.
        out: the file to write; None is `report.html`.
        open_: whether to show it in the web browser.

    Raises:
        UserError: there is no such folder, or the file cannot be written.
    """
    console = stderr_console()
    show_logs(console)
    check_folder(results)
    path = parse_path(out or DEFAULT_OUT)
    content = make_page(results, Path()).encode()
    write_file(path, content)
    console.print(f"{size(len(content))}, for any browser; nothing is fetched when it is opened")
    print(printable(path))
    if open_ and not webbrowser.open(path.as_uri()):
        log.warning("no web browser could be started")
