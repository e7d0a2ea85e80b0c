import numpy as np

from fmnist_jax.figures import galleries

IMAGES = np.arange(6, dtype=np.uint8).repeat(28 * 28).reshape(2, 3, 28, 28)


def test_every_image_is_at_its_place():
    figure = galleries.draw_grid(IMAGES, "title", rows="ab", columns="xyz")
    (axes,) = figure.axes
    canvas = np.asarray(axes.images[0].get_array())
    for row, bottom in enumerate(axes.get_yticks()):
        for column, left in enumerate(axes.get_xticks()):
            assert canvas[int(bottom), int(left)] == IMAGES[row, column, 0, 0]
    assert [label.get_text() for label in axes.get_xticklabels()] == list("xyz")
    assert figure.get_suptitle() == "title"


def test_captions_fill_the_rows_in_order():
    figure = galleries.draw_captioned(IMAGES.reshape(6, 28, 28), list("abcdef"), "t", columns=4)
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == list("abcdef")
    assert texts[4].get_position()[1] > texts[3].get_position()[1]
