"""Does a map depend on what the network has learned, and on the image alone?

Cascading parameter randomisation: Adebayo et al. 2018, arXiv 1810.03292. Maximal
sensitivity: Yeh et al. 2019, arXiv 1901.09392.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from fmnist_jax.explain.base import Maps, View, compute_maps, explain
from fmnist_jax.explain.layers import LAST, Variables, weighted_layers
from fmnist_jax.nn.network import Network

Values = npt.NDArray[np.float32]  # [n]


def randomization_correlations(
    network: Network,
    variables: Variables,
    images: npt.NDArray[np.float32],
    targets: npt.NDArray[np.integer],
    method: str,
    layer: str = LAST,
    *,
    seed: int = 0,
) -> dict[str, Values]:
    """Randomise the weights from the output to the input and see whether the maps change.

    Layer after layer gets fresh weights, and keeps them. A map that stays the same shows
    the image, not what the network has learned.

    Args:
        network: computing in float32.
        variables: its trained weights.
        images: float32 [n, 28, 28, 1] in [0, 1].
        targets: classes, integers [n].
        method: a name of `METHODS`.
        layer: a name of `feature_maps`.
        seed: of the fresh weights.

    Returns:
        Spearman's rank correlation with the map of the trained weights, float32 [n], by
        the layer that was randomised last ("block1/conv2").
    """
    original = explain(network, variables, images, targets, method, layer)
    # One program: operation by operation, it would compile dozens.
    fresh = jax.jit(network.init)(jax.random.key(seed), jnp.zeros((1, *images.shape[1:])))
    correlations = {}
    for path in reversed(weighted_layers(network, variables)):
        variables = {
            kind: _replace(tree, fresh.get(kind, {}), path) for kind, tree in variables.items()
        }
        maps = compute_maps(View(network, variables, layer), images, targets, method)
        correlations["/".join(path)] = rank_correlation(original, maps)
    return correlations


def max_sensitivity(
    network: Network,
    variables: Variables,
    images: npt.NDArray[np.float32],
    targets: npt.NDArray[np.integer],
    method: str,
    layer: str = LAST,
    *,
    radius: float = 0.02,
    samples: int = 8,
    seed: int = 0,
) -> Values:
    """How far a map moves, at most, when the image hardly does.

    Args:
        network: computing in float32.
        variables: its trained weights.
        images: float32 [n, 28, 28, 1] in [0, 1].
        targets: classes, integers [n].
        method: a name of `METHODS`.
        layer: a name of `feature_maps`.
        radius: of the uniform noise that is added to each pixel.
        samples: noisy images to try.
        seed: of the noise.

    Returns:
        float32 [n]: the largest distance of a noisy image's map, as a share of the map's
        own norm; nan for a map of zeros.
    """
    original = explain(network, variables, images, targets, method, layer)
    norm = np.sqrt(np.square(original).sum((1, 2)))
    generator = np.random.default_rng(seed)
    farthest = np.zeros(len(images), np.float32)
    for _ in range(samples):
        noise = generator.uniform(-radius, radius, images.shape).astype(np.float32)
        maps = compute_maps(View(network, variables, layer), images + noise, targets, method)
        distance = np.sqrt(np.square(maps - original).sum((1, 2)))
        farthest = np.maximum(farthest, distance)
    return np.divide(farthest, norm, out=np.full_like(norm, np.nan), where=norm > 0)


def rank_correlation(first: Maps, second: Maps) -> Values:
    """Spearman's correlation of each pair of maps [n, 28, 28]; 0 where one of them is flat."""
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (first, second)]
    a, b = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    spread = np.sqrt(np.square(a).sum(1) * np.square(b).sum(1))
    correlation = np.divide((a * b).sum(1), spread, out=np.zeros(len(a)), where=spread > 0)
    return correlation.astype(np.float32)


def _replace(tree: Variables, fresh: Variables, path: tuple[str, ...]) -> Variables:
    """A copy of the tree in which the branch at `path`, if there is one, is the fresh one."""
    name, *rest = path
    if name not in tree or name not in fresh:
        return tree
    branch = _replace(tree[name], fresh[name], tuple(rest)) if rest else fresh[name]
    return tree | {name: branch}
