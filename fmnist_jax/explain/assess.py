"""Methods and controls on the same images, each with its maps, its speed and its scores."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import Images
from fmnist_jax.explain.base import CHUNK, Maps, explain
from fmnist_jax.explain.controls import CONTROLS
from fmnist_jax.explain.faithfulness import Scores, score_maps
from fmnist_jax.explain.layers import LAST, Variables
from fmnist_jax.explain.sanity import max_sensitivity, randomization_correlations
from fmnist_jax.nn.network import Network

# Images on which a method is run again and again: for each layer that is randomised, and
# for each noisy copy.
REPEATED = 32


@dataclass(frozen=True)
class Assessment:
    """One method, or one control, on some images.

    Attributes:
        method: a name of `METHODS` or `CONTROLS`.
        layer: the feature map that was explained; None for a control.
        maps: float32 [n, 28, 28] in [0, 1].
        maps_per_s: speed after compilation; None for a control.
        scores: by metric, float32 [n], or fewer where not all images were measured.
    """

    method: str
    layer: str | None
    maps: Maps
    maps_per_s: float | None
    scores: Scores

    def means(self) -> dict[str, float | None]:
        """The mean of each score over the images for which it is defined."""
        return {
            name: float(np.nanmean(values)) if np.isfinite(values).any() else None
            for name, values in self.scores.items()
        }


def assess(
    network: Network,
    variables: Variables,
    images: Images,
    targets: npt.NDArray[np.integer],
    methods: Sequence[str],
    layer: str = LAST,
    on_method: Callable[[str], None] = lambda name: None,
) -> list[Assessment]:
    """Explain images by several methods and measure how faithful the maps are.

    Args:
        network: computing in float32.
        variables: its trained weights.
        images: uint8 [n, 28, 28], n > 0.
        targets: the class to explain for each image, integers [n].
        methods: names of `METHODS`.
        layer: a name of `feature_maps`.
        on_method: called with the name of each method as it begins, and with "faithfulness".

    Returns:
        The methods, then all controls. Scores are those of `score_maps`, and for methods
        `sanity` (rank correlation with the map of randomised weights, mean over the
        cascade; lower is better) and `max_sensitivity` on the first 32 images. A control
        looks at no weights, so that its `sanity` is 1.

    Raises:
        UserError: unknown method or layer, or a class that does not exist.
    """
    pixels: npt.NDArray[np.float32] = images[..., None].astype(np.float32) / np.float32(255)
    found: list[Assessment] = []
    for method in methods:
        on_method(method)
        few, their_targets = pixels[:REPEATED], targets[:REPEATED]
        cascade = randomization_correlations(network, variables, few, their_targets, method, layer)
        repeated = {
            "sanity": np.mean(list(cascade.values()), 0),
            "max_sensitivity": max_sensitivity(
                network, variables, few, their_targets, method, layer
            ),
        }
        explain(network, variables, pixels[:CHUNK], targets[:CHUNK], method, layer)  # compiles
        began = time.perf_counter()
        maps = explain(network, variables, pixels, targets, method, layer)
        speed = len(images) / (time.perf_counter() - began)
        found.append(Assessment(method, layer, maps, speed, repeated))
    on_method("faithfulness")
    unchanged: Scores = {"sanity": np.ones(1, np.float32)}
    for name, control in CONTROLS.items():
        found.append(Assessment(name, None, control(images), None, unchanged))
    every_map = np.stack([each.maps for each in found])
    scores = score_maps(network, variables, images, targets, every_map)
    return [
        replace(each, scores={name: of[number] for name, of in scores.items()} | each.scores)
        for number, each in enumerate(found)
    ]
