"""Draw garments: ten classes with Fashion-MNIST's names, order and shape.

Every picture is a silhouette (signed distances in pixels, antialiased), cloth
(tone, stripes, print, folds, grain) and trim (necklines, buttons, laces, straps)
under a small rotation, scale and shift. Tones are drawn alike for every class
and trim may be lighter or darker than its cloth, so classes differ by the shape
of details and hardly by brightness; cuts overlap, so that no model is perfect.

The bytes depend on the seed alone: the only random call is `Generator.random`,
and the only arithmetic is what IEEE 754 rounds exactly (no sin, no sum).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from fmnist_jax.data.dataset import CLASSES, SIDE, Split
from fmnist_jax.data.drawing import shoes, tops
from fmnist_jax.data.drawing.pen import NEVER, Garment, Pen, box, fill, line, norm, stroke

VERSION = 1  # raise it whenever the bytes change; the published digests change with it
CHUNK = 100  # images drawn at once, so that planes stay in the core's cache; part of the bytes


def generate(seed: int, n: int) -> Split:
    """Draw `n` garments in random order, the classes as equal as `n` allows.

    Args:
        seed: non-negative; two seeds give independent images.
        n: how many images.

    Returns:
        uint8 images [n, 28, 28], exactly 0 off the garment, and uint8 labels [n].
    """
    # A stable sort of uniforms is a shuffle that no release of numpy redefines.
    order = np.argsort(np.random.default_rng((seed, CLASSES)).random(n), kind="stable")
    labels = (order % CLASSES).astype(np.uint8)
    images = np.empty((n, SIDE, SIDE), np.uint8)
    for label, draw in enumerate(GARMENTS):
        places = np.flatnonzero(labels == label)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            pen = Pen(np.random.default_rng((seed, label, start)), len(chunk))
            shape, cloth = draw(pen)
            images[chunk] = (np.clip(cloth, 0.06, 1) * fill(shape) * 255).astype(np.uint8)
    return Split(images, labels)


def _trouser(pen: Pen) -> Garment:
    """Draw two legs that part at the crotch."""
    y, ax = pen.y, pen.ax
    top, bottom, hip, crotch = pen(-13.3, -12.5), pen(11.5, 13.3), pen(4, 6), pen(-6.5, -3.5)
    ankle, spread = pen(1.2, 2.6), pen(2.2, 4.2)
    outer = line(y, (top, hip - pen(0.3, 1.2)), (crotch, hip), (bottom, spread + ankle))
    gap = np.maximum(spread - ankle, pen(0.15, 0.5))
    inner = line(y, (crotch - 0.5, -2.0), (crotch + 2, 0.2 + 0.1 * gap), (bottom, gap))
    shape = np.maximum(np.maximum(ax - outer, inner - ax), np.maximum(top - y, y - bottom))
    cloth = pen.trim(pen.cloth(), fill(y - top - pen(1.0, 1.8)), 0.6, 0.7)
    cloth = pen.trim(cloth, stroke(ax) * fill(y - crotch), 0.6, 0.8)
    pocket = stroke(ax - hip + (top + 5 - y) * 0.5) * fill(y - top - 5)
    return shape, pen.trim(cloth, pocket, 0.5, 0.8)


def _bag(pen: Pen) -> Garment:
    """Draw a bag with a handle, a strap, or neither."""
    x, y, ax = pen.x, pen.y, pen.ax
    bottom, tall, wide, corner = pen(8.5, 12.5), pen(5.5, 9.0), pen(7.5, 13.0), pen(0.5, 3.0)
    top = bottom - 2 * tall
    width = wide - (bottom - y) / tall * pen(-0.4, 1.6)
    side, edge = ax - width, np.abs(y - bottom + tall) - tall
    case = norm(np.maximum(side + corner, 0), np.maximum(edge + corner, 0)) - corner
    rise, half, kind = pen(3, 12), wide * pen(0.3, 0.75), pen(0, 1)
    arch = np.abs(norm(ax / half, np.minimum(y - top, 0) / rise) - 1) * np.minimum(half, rise)
    sling = np.abs(ax - width * (1 + (y - top) / rise)) * 0.8
    carry = np.where(kind < 0.55, arch, np.where(kind < 0.8, sling, NEVER)) - pen(0.4, 0.9)
    shape = np.minimum(case, np.maximum(np.maximum(carry, y - top), top - rise - 1 - y))
    lid = y - top - tall * pen(0.4, 1.5) + ax * pen(-0.1, 0.5)
    cloth = pen.trim(pen.cloth(), stroke(lid, 0.4), 0.5, 1.2)
    cloth = pen.trim(cloth, fill(lid), 0.3, 0.8)
    clasp = box(x, y - top - tall * pen(0.4, 1.2), pen(0.5, 1.3), pen(0.5, 1.5))
    cloth = pen.trim(cloth, fill(clasp), 0.5, 1.5)
    cloth = pen.trim(cloth, stroke(y - top - 1.2), 0.4)
    pocket = box(x, y - bottom + tall * 0.7, wide * pen(0.3, 0.7), tall * pen(0.3, 0.5))
    return shape, pen.trim(cloth, stroke(pocket), 0.35)


GARMENTS: tuple[Callable[[Pen], Garment], ...] = (
    partial(tops.draw, tops.T_SHIRT),
    _trouser,
    partial(tops.draw, tops.PULLOVER),
    partial(tops.draw, tops.DRESS),
    partial(tops.draw, tops.COAT),
    shoes.sandal,
    partial(tops.draw, tops.SHIRT),
    shoes.sneaker,
    _bag,
    shoes.boot,
)
