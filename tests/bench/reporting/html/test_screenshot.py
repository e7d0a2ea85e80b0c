"""The README's picture is taken where there is a browser, and otherwise left as it is."""

import io
import sys

import numpy as np
from PIL import Image

from bench.reporting.html import screenshot
from bench.reporting.html.pictures import reduce
from tests.support.browser import launched
from tests.support.results_folder import fill

OLD = b"the old picture"


def test_without_a_browser_the_file_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "report.png"
    out.write_bytes(OLD)
    screenshot.main(tmp_path, out)
    assert out.read_bytes() == OLD
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{out} is left as it is: needs ")


def test_without_playwright_the_file_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    out = tmp_path / "report.png"
    out.write_bytes(OLD)
    screenshot.main(tmp_path, out)
    assert out.read_bytes() == OLD
    assert "needs playwright" in capsys.readouterr().out


def test_the_picture_ends_after_the_first_chart(tmp_path):
    with launched():  # skips where there is no browser
        pass
    fill(tmp_path)
    with Image.open(io.BytesIO(screenshot.take(tmp_path))) as picture:
        assert picture.width == screenshot.WIDTH
        assert 800 < picture.height < 3000


def test_the_colours_of_small_marks_survive(tmp_path):
    pixels = np.full((400, 400, 3), 250, np.uint8)
    pixels[:200] = np.random.default_rng(0).integers(0, 30, (200, 400, 3))
    marks = [(224, 72, 72), (214, 79, 122)]  # two series whose colours are near
    for number, colour in enumerate(marks):
        pixels[300 + 20 * number :][:6, 300:306] = colour
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    with Image.open(io.BytesIO(reduce(content.getvalue(), 400))) as picture:
        found = np.asarray(picture.convert("RGB")).astype(int)
    for number, colour in enumerate(marks):
        assert np.abs(found[303 + 20 * number, 303] - colour).max() < 10
