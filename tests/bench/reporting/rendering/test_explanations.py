"""Tables and JSON of explained images, of maps whose heat is known."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from bench.reporting.rendering.explanations import METRICS, Explained, tables, to_json, where
from fmnist_jax.explain.assess import Assessment

CLASSES = [f"class {label}" for label in range(10)]


def heat(row, column):
    heatmap = np.zeros((28, 28), np.float32)
    heatmap[row, column] = 1
    return heatmap


@pytest.fixture
def explained():
    """Two images, the second wrong and without heat."""
    maps = np.stack([heat(3, 20), np.zeros((28, 28), np.float32)])
    scores = {name: np.array([0.25, np.nan], np.float32) for name in METRICS}
    return Explained(
        images=np.zeros((2, 28, 28), np.uint8),
        index=np.array([7, 9]),
        labels=np.array([1, 2]),
        targets=np.array([1, 2]),
        probabilities=np.eye(10, dtype=np.float32)[[1, 5]],
        classes=CLASSES,
        assessments=[
            Assessment("gradcam", "features", maps, 900.0, scores),
            Assessment("random", None, maps, None, {"heat_on_garment": np.ones(2, np.float32)}),
        ],
    )


def test_the_place_of_the_heat():
    assert where(heat(3, 20)) == ((3.0, 20.0), (3, 20))
    assert where(heat(3, 20) * 0) is None
    (row, column), _ = where(heat(0, 0) + heat(0, 10))
    assert (row, column) == (0, 5)


@pytest.mark.parametrize(("width", "rare"), [(40, False), (80, False), (240, True)])
def test_tables_fit_the_screen(explained, width, rare):
    shown = left_out = ""
    for table in tables(explained, "cnn", width):
        console = Console(width=width, file=io.StringIO())
        console.print(table)
        text = console.file.getvalue()
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        of_table, _, note = text.partition("left out for want of width")
        shown, left_out = shown + of_table, left_out + note
    assert "3.0, 20.0" in shown
    assert "25%" in shown
    assert "900" in shown
    assert ("MoRF" in shown) is rare
    assert ("MoRF" in left_out) is not rare


def test_what_is_undefined_is_null(explained):
    document = to_json(explained)
    json.dumps(document, allow_nan=False)
    first, second = document["images"]
    assert first["heat"]["gradcam"] == {"on_garment": 0.25, "centre": [3, 20], "peak": [3, 20]}
    assert second["heat"]["gradcam"] == {"on_garment": None, "centre": None, "peak": None}
    gradcam, control = document["methods"]
    assert gradcam["faithfulness"]["sanity"] == 0.25
    assert gradcam["heat_on_garment_by_class"]["class 2"] is None
    assert control["control"]


def test_captions_name_what_went_wrong_and_what_is_explained(explained):
    assert explained.caption(0) == "✓ class 1, 100% (image 7)"
    text = explained.caption(1)
    assert text == "✗ class 2, taken for class 5, explained: class 2, 100% (image 9)"


@pytest.mark.parametrize(("most", "expected"), [(5, [0, 1]), (1, [0])])
def test_images_are_spread(explained, most, expected):
    assert explained.spread(most) == expected
