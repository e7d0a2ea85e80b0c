from dataclasses import replace

import numpy as np

from fmnist_jax.analysis.base import Context
from fmnist_jax.analysis.quality import Quality
from fmnist_jax.data.dataset import Split
from tests.support.small_data import small_dataset


def damaged():
    """One bright image, one empty one, and repetitions within, between and across labels."""
    data = small_dataset()
    images, labels = data.train.images.copy(), data.train.labels.copy()
    images[7] = 255
    images[8] = 0
    images[50] = images[0]  # of class e, with the pixels of class a
    test = data.test.images.copy()
    test[3] = images[20]
    test[5] = test[4]
    return replace(data, train=Split(images, labels), test=Split(test, data.test.labels))


def test_what_is_wrong_is_counted():
    quality = Quality.measure(Context(damaged(), "none"))
    assert quality.duplicates == {"in training": 1, "in test": 1, "of test in training": 1}
    # test[3] is of class a and images[20] of class b
    assert quality.conflicting_labels == 2
    assert quality.constant_images == 2
    assert quality.outliers[0].index == 7
    assert quality.outliers[0].label == "class a"
    assert quality.value_range == (0, 255)
    assert quality.missing_values == 0


def test_z_is_that_of_the_brightness():
    data = damaged()
    quality = Quality.measure(Context(data, "none"))
    bright = data.train.images.mean((1, 2))
    z = (bright - bright.mean()) / bright.std()
    assert quality.outlier_count == int((np.abs(z) > 3).sum())
    np.testing.assert_allclose(
        [o.z for o in quality.outliers], z[[o.index for o in quality.outliers]]
    )


def test_clean_data_have_no_outlier_and_no_figure():
    context = Context(small_dataset(), "none")
    quality = Quality.measure(context)
    assert quality.outlier_count == 0
    assert quality.figures(context) == {}
