"""Draws garments: ten classes with Fashion-MNIST's names, order and shape.

Every picture is a silhouette (signed distances in pixels, antialiased), cloth
(tone, stripes, print, folds, grain) and trim (necklines, buttons, laces, straps)
under a small rotation, scale and shift. Tones are drawn alike for every class
and trim may be lighter or darker than its cloth, so classes differ by the shape
of details and hardly by brightness; cuts overlap, so that no model is perfect.

The bytes depend on the seed alone: the only random call is `Generator.random`,
and the only arithmetic is what IEEE 754 rounds exactly (no sin, no sum).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from fmnist_jax.data.dataset import CLASSES, SIDE, Split
from fmnist_jax.data.drawing.pen import Pen, Plane, box, fill, limb, line, norm, stroke, wave

VERSION = 1  # raise it whenever the bytes change; the published digests change with it
CHUNK = 100  # images drawn at once, so that planes stay in the core's cache; part of the bytes

Ink = tuple[Plane, Plane]  # signed distance to the silhouette, tone of the cloth
Range = tuple[float, float]
NEVER = 99.0  # pixels: a distance added to leave a part out


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
    for label, draw in enumerate(_GARMENTS):
        places = np.flatnonzero(labels == label)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            pen = Pen(np.random.default_rng((seed, label, start)), len(chunk))
            shape, cloth = draw(pen)
            images[chunk] = (np.clip(cloth, 0.06, 1) * fill(shape) * 255).astype(np.uint8)
    return Split(images, labels)


@dataclass(frozen=True)
class _Cut:
    """Where the garments with a neck differ: ranges in pixels, then chances of a detail."""

    chest: Range = (6.0, 7.6)  # half width
    waist: Range = (0.86, 1.0)  # of the chest
    hem: Range = (0.9, 1.1)  # of the chest
    bottom: Range = (10.5, 13.3)  # y of the hem
    sleeve: Range = (1.9, 2.8)  # half width at the shoulder
    neck: Range = (1.0, 4.0)  # depth
    v_neck: float = 0.3
    bare: float = 0.0  # no sleeves
    long: float = 1.0  # long sleeves rather than short
    collar: float = 0.0
    hood: float = 0.0
    buttons: float = 0.0
    zip: float = 0.0
    ajar: float = 0.0  # worn open over something else
    rib: float = 0.0  # knitted band at the hem
    logo: float = 0.0
    pockets: float = 0.0
    belt: float = 0.0


def _top(cut: _Cut, pen: Pen) -> Ink:
    """A garment with a neck and, mostly, two sleeves."""
    x, y, ax = pen.x, pen.y, pen.ax
    top, bottom, chest = pen(-13.3, -12.0), pen(*cut.bottom), pen(*cut.chest)
    neck, depth, slope = pen(2.2, 4.0), pen(*cut.neck), pen(1.2, 2.6)
    bare, long = pen.chance(cut.bare), pen.chance(cut.long)
    shoulder = chest + pen(-0.6, 0.8) - bare * pen(0.5, 2.5)
    waist = top + (bottom - top) * pen(0.35, 0.5)
    sides = (top + slope, shoulder), (top + 7, chest), (waist + 2, chest * pen(*cut.waist))
    width = line(y, (top, neck), *sides, (bottom, chest * pen(*cut.hem)))
    body = np.maximum(np.maximum(ax - width, top - y), y - bottom)

    splay = np.where(long > 0, pen(0.1, 0.3), pen(0.35, 0.85))
    down = np.where(long > 0, pen(16.5, 21.0), pen(4.0, 9.5)) / np.sqrt(1 + splay * splay)
    thick = pen(*cut.sleeve)
    arm_x, arm_y = ax - (shoulder - thick + 0.6), y - (top + slope + thick - 0.8)
    arm = limb(arm_x, arm_y, down * splay, down, thick, thick - long * pen(0.2, 1.0)) + NEVER * bare

    rim, fall = ax / (neck - 0.3), np.maximum(y - top, 0) / depth
    scoop = np.where(pen.chance(cut.v_neck) > 0, rim + fall, norm(rim, fall)) - 1
    scoop = scoop * np.minimum(depth, neck)
    collar, hood = pen.chance(cut.collar), pen.chance(cut.hood)
    lapel = limb(ax, y - top + 0.6, neck * 0.9, pen(2.5, 5.0), pen(0.6, 1.4), pen(1.0, 2.2))
    cap = norm(ax / 1.3, y - top - 1.5) - pen(2.8, 3.6)
    shape = np.minimum(np.minimum(body, arm), lapel + NEVER * (1 - collar))
    shape = np.minimum(np.maximum(shape, -scoop), cap + NEVER * (1 - hood))

    cloth: Plane = pen.cloth() - pen(0.1, 0.5) * stroke(ax - width, 0.2) * fill(arm) * fill(
        top + 5 - y
    )
    cloth = pen.trim(cloth, stroke(scoop - 0.6, 0.7), 0.6)
    cloth = pen.trim(cloth, stroke(lapel) * collar) - 0.4 * stroke(cap + 1.6, 0.6) * hood
    ajar, front, middle = pen.chance(cut.ajar), fill(top + depth - y), x - pen(-0.4, 0.4)
    gap = stroke(middle, pen(0.5, 2.5) * (1.3 - (y - top) / 40))
    cloth = pen.trim(cloth, gap * front * ajar, strength=1.4)
    cloth = pen.trim(cloth, stroke(middle) * front * (1 - ajar), cut.zip, 1.2)
    pitch, buttons = pen(2.6, 4.2), pen.chance(cut.buttons) * front * (1 - ajar)
    row = (y - top - depth) / pitch
    dots = fill(norm(middle, (row - np.rint(row)) * pitch) - 0.75)
    cloth = pen.trim(cloth, dots * buttons, 1, 1.3) - 0.18 * stroke(middle - 1.6, 0.1) * buttons
    cloth = pen.trim(cloth, fill(bottom - 1.8 - y) * fill(ax - width), cut.rib, 0.7)
    logo = fill(box(x, y - top - pen(6, 10), pen(1.5, 4.5), pen(0.6, 3.0)))
    cloth = pen.trim(cloth, logo * wave(x * pen(0.2, 0.5) + y * pen(0.0, 0.4)), cut.logo, 1.8)
    pocket = box(ax - chest * 0.55, y - bottom + pen(3, 6), pen(1.2, 2.0), pen(0.2, 1.6))
    cloth = pen.trim(cloth, stroke(pocket), cut.pockets)
    return shape, pen.trim(cloth, stroke(y - waist, 0.7) * fill(ax - width), cut.belt)


def _trouser(pen: Pen) -> Ink:
    """Two legs that part at the crotch."""
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


def _bag(pen: Pen) -> Ink:
    """A case with a handle, a strap, or neither."""
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


def _last(pen: Pen, ground: Plane, heel: Plane) -> tuple[Plane, Plane]:
    """What every shoe stands on, its toe to the left.

    Returns:
        Height of every pixel above the foot's bed, signed distance to the sole.
    """
    x, up, thick = pen.x, ground - pen.y, pen(0.9, 2.2)
    over = up - thick - line(x, (-7.0, 0.0), (0.0, 0.25 * heel), (8.0, heel))
    slab = np.maximum(over, -thick - over)
    block = np.maximum(np.maximum(12.4 - pen(0.8, 5.0) - pen(0, 0.3) * up - x, over), -up)
    return over, np.maximum(np.minimum(slab, block), np.abs(x + 0.2) - 12.8)


def _upper(pen: Pen, over: Plane, throat: Plane, steep: Plane, high: Plane, dip: Plane) -> Plane:
    """Signed distance to a shoe's upper: toe, instep, an opening from `throat` back."""
    x, toe = pen.x, pen(2.0, 3.4)
    front = (-12.8, 0.3 * toe), (-11.3, toe), (-5.5, toe + pen(0.4, 1.6))
    instep = (throat - steep, np.minimum(high, toe + pen(2.0, 3.5))), (throat, high)
    top = line(x, *front, *instep, (throat + 3.5, high - dip), (12.2, high - 0.2 * dip))
    return np.maximum(np.maximum(over - top, -over), np.abs(x + 0.2) - 12.6)


def _sandal(pen: Pen) -> Ink:
    """Straps over a sole, flat or on a heel."""
    heel = pen.chance(0.4) * pen(4, 10) + pen(0, 1.2)
    over, sole = _last(pen, pen(3.5, 6.0) + 0.5 * heel, heel)
    upper = _upper(pen, over, pen(1, 4), pen(2, 4), pen(4.5, 8.5), pen(1.0, 2.5))
    straps = np.abs(upper) - pen(0.2, 0.5) + NEVER * pen.chance(0.3)
    lean = pen.x + pen(-0.7, 1.0) * over
    for low, high, p in ((-10, -6, 0.9), (-6, -1, 0.7), (0, 6, 0.45), (10.5, 12, 0.6)):
        strap = np.abs(lean - pen(low, high)) - pen(0.6, 1.7)
        straps = np.minimum(straps, strap + NEVER * (1 - pen.chance(p)))
    cloth = pen.trim(pen.cloth(), fill(sole), 0.5)
    cloth = pen.trim(cloth, stroke(straps), 0.4, 0.7)
    return np.minimum(sole, np.maximum(upper, straps)), cloth


def _shoe(
    pen: Pen, ground: Plane, heel: Plane, throat: Plane, steep: Plane, high: Plane, dip: Plane
) -> Ink:
    """A closed shoe: sole, upper, laces, stripe, caps."""
    x = pen.x
    over, sole = _last(pen, ground, heel)
    upper = _upper(pen, over, throat, steep, high, dip)
    cloth = pen.trim(pen.cloth(), fill(sole), 0.7, 1.4)
    laces = stroke(upper + 1.2, 0.8) * stroke(x - throat + 2.5, 3.5)
    cloth = pen.trim(cloth, laces * wave((x + over) * pen(0.3, 0.45)), 0.6, 1.5)
    stripe = stroke(x + pen(-1, 1) * over - pen(-1, 6), pen(0.4, 1.6))
    cloth = pen.trim(cloth, stripe * fill(upper + 0.6), 0.5)
    caps = np.maximum(fill(x + pen(7, 10)), fill(pen(8, 11) - x) * pen.chance(0.5))
    return np.minimum(sole, upper), pen.trim(cloth, caps, 0.35, 0.8)


def _sneaker(pen: Pen) -> Ink:
    """A low shoe; one in ten reaches over the ankle."""
    high = pen(6, 9) + pen.chance(0.1) * pen(1, 6)
    ground = pen(4, 6) + 0.3 * (high - 7)
    return _shoe(pen, ground, pen(0, 1.2), pen(0, 4), pen(3, 6), high, pen(0.5, 2.5))


def _boot(pen: Pen) -> Ink:
    """A shaft over the ankle; the low ones are nearly sneakers."""
    heel, high = pen(0.3, 2.5) + pen.chance(0.25) * pen(1, 5), pen(9.5, 17.0)
    ground = 0.5 * (high + heel) + pen(1.0, 2.5)
    return _shoe(pen, ground, heel, pen(0.5, 4.0), pen(1.0, 4.5), high, pen(-0.6, 1.0))


_SHIRT = _Cut(
    chest=(5.6, 7.2), waist=(0.84, 1.0), bottom=(10.5, 12.8), sleeve=(1.7, 2.5), v_neck=0.7,
    bare=0.03, long=0.65, collar=0.85, buttons=0.85, pockets=0.2, logo=0.03,
)  # fmt: skip
_PULLOVER = _Cut(waist=(0.9, 1.05), hood=0.15, rib=0.6, logo=0.25, collar=0.06)
_DRESS = _Cut(
    chest=(3.8, 5.8), waist=(0.7, 0.95), hem=(0.9, 1.9), bottom=(12.5, 13.4), neck=(1.5, 5.0),
    v_neck=0.4, bare=0.5, long=0.4, buttons=0.05, collar=0.05, belt=0.35,
)  # fmt: skip
_COAT = _Cut(
    chest=(6.4, 8.0), waist=(0.9, 1.05), bottom=(11.8, 13.5), sleeve=(2.3, 3.2), neck=(1.0, 6.0),
    v_neck=0.8, collar=0.7, hood=0.15, buttons=0.3, zip=0.75, ajar=0.3, pockets=0.6, belt=0.12,
    rib=0.1,
)  # fmt: skip
_T_SHIRT = _Cut(bare=0.08, long=0.07, logo=0.4, rib=0.1, pockets=0.05)

_GARMENTS: tuple[Callable[[Pen], Ink], ...] = (
    partial(_top, _T_SHIRT),
    _trouser,
    partial(_top, _PULLOVER),
    partial(_top, _DRESS),
    partial(_top, _COAT),
    _sandal,
    partial(_top, _SHIRT),
    _sneaker,
    _bag,
    _boot,
)
