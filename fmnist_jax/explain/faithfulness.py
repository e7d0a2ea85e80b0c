"""Does a map say what the network looks at? Take the pixels away and see.

Deletion and insertion: Petsiuk et al. 2018 (RISE), arXiv 1806.07421. ROAD: Rong et al.
2022, arXiv 2202.00449. Share of the heat on the object: Wang et al. 2020, arXiv
1910.01279, section 4.3. All scores are probabilities of the target class, or shares.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax
from scipy import ndimage

from fmnist_jax.data.dataset import SIDE, Images
from fmnist_jax.explain.base import Maps, pick
from fmnist_jax.explain.controls import silhouette
from fmnist_jax.explain.imputation import NOISE, impute
from fmnist_jax.explain.layers import Variables, predict_logits
from fmnist_jax.explain.parallel import device_count, over_devices
from fmnist_jax.nn.network import Network

PIXELS = SIDE * SIDE
STEPS = 8  # of a curve: 98 pixels each
STEP = PIXELS // STEPS
ROAD_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the pixels removed
BASELINES = ("zero", "mean", "blur")
BLUR_SIGMA = 3.0  # pixels; of a garment the outline remains, and no detail

_IMAGES = 8  # on a device at a time: each becomes some dozens of variants, predicted together

Scores = dict[str, npt.NDArray[np.float32]]


def score_maps(
    network: Network,
    variables: Variables,
    images: Images,
    targets: npt.NDArray[np.integer],
    maps: Maps,
) -> Scores:
    """Score several maps of each image.

    Pixels are taken in the order of their heat, ties in an order drawn once. Curves have
    9 points, both ends included, and their area is the trapezoid rule's.

    Args:
        network: computing in float32.
        variables: its trained weights.
        images: uint8 [n, 28, 28].
        targets: the class each map explains, integers [n].
        maps: float32 [m, n, 28, 28], m maps of each image.

    Returns:
        float32 [m, n] each: `deletion_B` (lower is better) and `insertion_B` (higher is
        better) for the baselines B zero, mean (of the image) and blur; `road_morf`
        (lower), `road_lerf` (higher) and `road_combined`, half their difference
        (higher); `heat_on_garment`, the share of a map's sum inside the silhouette.
    """
    pixels = images.astype(np.float32) / 255
    baselines = np.stack(
        [
            np.zeros_like(pixels),
            np.broadcast_to(pixels.mean((1, 2), keepdims=True), pixels.shape),
            ndimage.gaussian_filter(pixels, (0, BLUR_SIGMA, BLUR_SIGMA), mode="constant"),
        ]
    )
    size = _IMAGES * device_count()
    missing = -len(images) % size  # chunks of one shape are compiled once

    def padded(array: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
        return np.pad(array, [(0, missing if a == axis else 0) for a in range(array.ndim)])

    everything = (padded(pixels, 0), padded(targets, 0), padded(baselines, 1), padded(maps, 1))
    pixels, targets, baselines, maps = everything
    chunks = [slice(at, at + size) for at in range(0, len(pixels), size)]
    scores = [
        _score_chunk(network, variables, pixels[c], targets[c], baselines[:, c], maps[:, c])
        for c in chunks
    ]
    joined = {
        name: np.concatenate([np.asarray(score[name]) for score in scores], 1)[:, : len(images)]
        for name in scores[0]
    }
    return joined | {"heat_on_garment": heat_on_garment(images, maps[:, : len(images)])}


def heat_on_garment(images: Images, maps: Maps) -> npt.NDArray[np.float32]:
    """The share of each map's sum that lies on the garment; nan for a map of zeros.

    Args:
        images: uint8 [n, 28, 28].
        maps: float32 [..., n, 28, 28].

    Returns:
        float32 [..., n].
    """
    total = maps.sum((-2, -1))
    inside = (maps * silhouette(images)).sum((-2, -1))
    return np.divide(inside, total, out=np.full_like(total, np.nan), where=total > 0)


def rank_pixels(heatmap: jax.Array) -> jax.Array:
    """The place of each pixel in the order of heat, from 0 for the hottest.

    Args:
        heatmap: float [..., 28, 28].

    Returns:
        int32 of the same shape; ties are broken in an order that is always the same.
    """
    flat = heatmap.reshape(-1, heatmap.shape[-2] * heatmap.shape[-1])
    drawn = jax.random.permutation(jax.random.key(0), flat.shape[-1])
    order = drawn[jnp.argsort(-flat[:, drawn], stable=True)]
    places = jnp.broadcast_to(jnp.arange(flat.shape[-1], dtype=jnp.int32), flat.shape)
    ranks = jnp.zeros_like(places).at[jnp.arange(len(flat))[:, None], order].set(places)
    return ranks.reshape(heatmap.shape)


def area(curve: jax.Array) -> jax.Array:
    """The area under curves [points, ...] over the interval [0, 1]."""
    return (curve[:-1] + curve[1:]).sum(0) / (2 * (len(curve) - 1))


@partial(jax.jit, static_argnames="network")
def _score_chunk(network: Network, *arrays: Any) -> dict[str, jax.Array]:
    """Scores [m, c] as of `_score_share`, of c images that all devices share."""
    share = partial(_score_share, network)
    scores: dict[str, jax.Array] = over_devices(share, (None, 0, 0, 1, 1), 1)(*arrays)
    return scores


def _score_share(
    network: Network,
    variables: Variables,
    images: jax.Array,
    targets: jax.Array,
    baselines: jax.Array,
    maps: jax.Array,
) -> dict[str, jax.Array]:
    """Scores [m, c] of images [c, 28, 28], baselines [b, c, 28, 28] and maps [m, c, 28, 28]."""

    def probability(variants: jax.Array) -> jax.Array:
        """Of the target, [..., c], for variants [..., c, 28, 28] of the images."""
        logits = predict_logits(network, variables, variants.reshape(-1, SIDE, SIDE, 1))
        repeated = jnp.broadcast_to(targets, variants.shape[:-2]).reshape(-1)
        return pick(jax.nn.softmax(logits), repeated).reshape(variants.shape[:-2])

    whole, empty = probability(images), probability(baselines)
    noise = NOISE * jax.random.normal(jax.random.key(1), (2 * len(ROAD_SHARES), 1, SIDE, SIDE))

    def score(heatmap: jax.Array) -> dict[str, jax.Array]:
        rank = rank_pixels(heatmap)
        taken = jnp.stack([rank < step * STEP for step in range(1, STEPS)])[:, None]
        counts = [round(share * PIXELS) for share in ROAD_SHARES]
        removed = jnp.stack(
            [*(rank < count for count in counts), *(rank >= PIXELS - count for count in counts)]
        )
        filled = impute(jnp.broadcast_to(images, removed.shape), removed)
        filled += jnp.where(removed, noise, 0)
        variants = (
            jnp.where(taken, baselines, images),
            jnp.where(taken, images, baselines),
            filled,
        )
        stacked = jnp.concatenate([v.reshape(-1, *images.shape) for v in variants])
        deletion, insertion, road = jnp.split(
            probability(stacked), [taken.shape[0] * len(baselines) * k for k in (1, 2)]
        )
        curve = (STEPS - 1, *empty.shape)
        first, last = jnp.broadcast_to(whole, empty.shape)[None], empty[None]
        deleted = area(jnp.concatenate([first, deletion.reshape(curve), last]))
        inserted = area(jnp.concatenate([last, insertion.reshape(curve), first]))
        morf, lerf = road[: len(counts)].mean(0), road[len(counts) :].mean(0)
        return {
            **{f"deletion_{name}": deleted[k] for k, name in enumerate(BASELINES)},
            **{f"insertion_{name}": inserted[k] for k, name in enumerate(BASELINES)},
            "road_morf": morf,
            "road_lerf": lerf,
            "road_combined": (lerf - morf) / 2,
        }

    return lax.map(score, maps)
