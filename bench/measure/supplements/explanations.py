"""How a trained network explains a fixed sample of its test images, for its record."""

import numpy as np
import numpy.typing as npt

from bench.records.schema import Explanation
from fmnist_jax.data.dataset import Split
from fmnist_jax.explain.assess import assess
from fmnist_jax.explain.layers import LAST, Variables, feature_maps
from fmnist_jax.nn.network import Network

IMAGES = 128  # of the whole test set; of a part of it, as large a share or `LEAST`
LEAST = 16
METHODS = ("gradcam",)


def explain_sample(
    network: Network,
    variables: Variables,
    test: Split,
    predicted: npt.NDArray[np.integer],
) -> list[Explanation]:
    """Explain the predicted class of some test images, by Grad-CAM and by the controls.

    They are spread evenly over the test split, and so the same ones for every network.

    Args:
        network: computing in float32.
        variables: its trained weights.
        test: the test split.
        predicted: the class predicted for each of its images, integers [n].

    Returns:
        One entry per method and control; none for a network without convolutions.
    """
    if LAST not in feature_maps(network, variables):
        return []
    count = min(max(len(test) * IMAGES // 10_000, LEAST), len(test))
    sample = np.linspace(0, len(test) - 1, count).round().astype(np.int64)
    assessments = assess(network, variables, test.images[sample], predicted[sample], METHODS)
    return [
        Explanation(
            method=found.method,
            layer=found.layer,
            images=len(sample),
            maps_per_s=found.maps_per_s,
            faithfulness=found.means(),
        )
        for found in assessments
    ]
