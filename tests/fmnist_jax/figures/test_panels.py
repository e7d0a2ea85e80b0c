import numpy as np
import pytest

from fmnist_jax.figures import panels

NAMES = ["first", "second", "third"]


@pytest.fixture
def axes():
    return panels.new("title")[1]


def test_bars_have_the_values_and_a_legend_for_several_series(axes):
    panels.draw_bars(axes, NAMES, {"a": [1, 2, 3], "b": [4, 5, 6]}, "images")
    assert [bar.get_height() for bar in axes.patches] == [1, 2, 3, 4, 5, 6]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == NAMES


def test_histogram_is_on_a_log_scale(axes):
    panels.draw_histogram(axes, [5, 0, 7])
    assert axes.get_yscale() == "log"
    assert [bar.get_height() for bar in axes.patches] == [5, 0, 7]


def test_boxes_name_their_samples(axes):
    panels.draw_boxes(axes, NAMES, [np.arange(9.0)] * 3, "brightness")
    assert [label.get_text() for label in axes.get_xticklabels()] == NAMES


def test_cumulative_marks_the_count(axes):
    panels.draw_cumulative(axes, np.array([0.5, 0.96, 1.0]), 2)
    assert axes.texts[0].get_text() == "2 components: 95%"


def test_embedding_names_each_class_at_its_median(axes):
    points = np.array([[0, 0], [2, 2], [5, 5.0]])
    panels.draw_embedding(axes, points, np.array([0, 0, 1]), NAMES)
    assert [(text.get_text(), text.get_position()) for text in axes.texts] == [
        ("first", (1, 1)),
        ("second", (5, 5)),
    ]


def test_heatmap_shows_its_numbers(axes):
    panels.draw_heatmap(axes, np.array([[1, 0.25], [0.25, 1]]), NAMES[:2])
    assert [text.get_text() for text in axes.texts] == ["1.00", "0.25", "0.25", "1.00"]


def test_points_carry_their_names(axes):
    panels.draw_labelled_points(axes, [0, 1, 2], [0.1, 0.2, 0.3], NAMES, ("x", "y"))
    assert [text.get_text() for text in axes.texts] == NAMES
