"""A picture of the top of the page for the README, where there is a browser to take it.

python -m bench.reporting.html.screenshot RESULTS OUT.png
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.reporting.html.page import make_page
from bench.reporting.html.pictures import reduce
from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, HEIGHT = 1280, 2200  # pixels; tall enough that the first chart is drawn
LAST = "#accuracy"  # where the picture ends


def find_browser() -> str:
    """Return the path of the system's Chromium.

    Raises:
        UserError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise UserError("needs Chromium in the PATH: apt-get install chromium")
    return found


def browser_arguments() -> list[str]:
    """Return what Chromium has to be told: it has no sandbox for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def take(results: Path) -> bytes:
    """Return a PNG picture of the page of a results folder, from its top to its first chart.

    Raises:
        UserError: there is no browser, or it failed.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise UserError("needs playwright: pip install playwright") from None
    browser_path = find_browser()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.html")
        path.write_text(make_page(results, Path(folder)), encoding="utf-8")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=browser_path, args=browser_arguments()
                )
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
                )
                page.goto(path.as_uri())
                page.locator(LAST).scroll_into_view_if_needed()  # it is drawn when it is seen
                page.wait_for_selector(f"{LAST} .main-svg")
                page.evaluate("scrollTo(0, 0)")
                box = page.locator(LAST).bounding_box()
                assert box is not None
                end = box["y"] + box["height"]
                content = page.screenshot(
                    full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": end}
                )
                browser.close()
        except Error as error:
            raise UserError(f"the browser failed: {error.message.splitlines()[0]}") from None
    return reduce(content, WIDTH)


def main(results: Path, out: Path) -> None:
    """Write the picture; where it cannot be taken, leave the file as it is and say so."""
    try:
        content = take(results)
    except UserError as error:
        print(f"{out} is left as it is: {error}")
        return
    write_atomically(out, content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
