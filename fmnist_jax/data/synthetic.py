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
import numpy.typing as npt

from fmnist_jax.data.dataset import CLASSES, SIDE, Split

VERSION = 1  # raise it whenever the bytes change; the published digests change with it
CHUNK = 100  # images drawn at once, so that planes stay in the core's cache; part of the bytes

Plane = npt.NDArray[np.floating]  # [m, 28, 28], or [m, 1, 1] for one number per image
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
            pen = _Pen(np.random.default_rng((seed, label, start)), len(chunk))
            shape, cloth = draw(pen)
            images[chunk] = (np.clip(cloth, 0.06, 1) * _fill(shape) * 255).astype(np.uint8)
    return Split(images, labels)


class _Pen:
    """Random numbers and coordinates for `m` pictures of one class.

    Attributes:
        x: [m, 28, 28] pixels right of the garment's middle, about -14..14.
        y: [m, 28, 28] pixels below it.
        ax: |x|, for all that is symmetric.
    """

    def __init__(self, rng: np.random.Generator, m: int) -> None:
        self._rng, self._m = rng, m
        axis = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
        t, scale = self(-0.06, 0.06), self(0.94, 1.08)  # t: tangent of half the angle
        cos, sin = (1 - t * t) / (1 + t * t) * scale, 2 * t / (1 + t * t) * scale
        u, v = axis[None, None, :] - self(-1.5, 1.5), axis[None, :, None] - self(-1.2, 1.2)
        self.x, self.y = cos * u - sin * v, sin * u + cos * v
        self.ax = np.abs(self.x)

    def __call__(self, low: float, high: float) -> Plane:
        """Uniform numbers, float32 [m, 1, 1]."""
        return low + (high - low) * self._rng.random((self._m, 1, 1), np.float32)

    def chance(self, p: float) -> Plane:
        """1 with probability `p`, else 0, float32 [m, 1, 1]."""
        return (self._rng.random((self._m, 1, 1), np.float32) < p).astype(np.float32)

    def cloth(self) -> Plane:
        """A tone in about 0..1 for every pixel: plain, striped, checked, printed or melange."""
        tone, x, y = self(0.3, 1.0), self.x, self.y
        grain = self._rng.random((self._m, SIDE, SIDE), np.float32)
        print_ = grain + np.roll(grain, 1, 1) + np.roll(grain, -1, 1)
        print_ = print_ + np.roll(print_, 1, 2) + np.roll(print_, -1, 2) - 4.5
        folds = _wave(self(0.03, 0.12) * x + self(-0.06, 0.06) * y + self(0, 1))
        tone = tone + self(0, 0.2) * (folds - 0.5) + self(0.03, 0.18) * (grain - 0.5)
        tone = tone + self(-0.012, 0.012) * x + self(-0.01, 0.01) * y - self(0, 0.0012) * x * x
        for pattern, p in (
            (4 * _wave(y * self(0.14, 0.3) + self(0, 1)) - 2, 0.13),
            (4 * _wave(x * self(0.14, 0.3) + self(0, 1)) - 2, 0.1),
            (print_, 0.13),
        ):
            tone = tone + self(0.1, 0.45) * self.chance(p) * np.clip(pattern, -0.6, 0.6)
        return tone

    def trim(self, cloth: Plane, where: Plane, p: float = 1.0, strength: float = 1.0) -> Plane:
        """The cloth, with probability `p` lighter or darker (at random) `where` (0..1)."""
        sign = self.chance(p) * (2 * self.chance(0.5) - 1)
        return cloth + sign * strength * self(0.2, 0.45) * where


def _wave(phase: Plane) -> Plane:
    """Triangle wave of period 1 in 0..1."""
    swing: Plane = 2 * (phase - np.floor(phase)) - 1
    return abs(swing)


def _fill(distance: Plane) -> Plane:
    """Coverage 0..1 of a pixel whose middle lies `distance` outside an edge."""
    covered: Plane = 0.5 - distance
    return np.clip(covered, 0, 1)


def _stroke(distance: Plane, half: Plane | float = 0.3) -> Plane:
    """Coverage of a line of half width `half` along distance 0."""
    return _fill(np.abs(distance) - half)


def _norm(x: Plane, y: Plane) -> Plane:
    return np.sqrt(x * x + y * y)


def _box(x: Plane, y: Plane, width: Plane, height: Plane) -> Plane:
    """Signed distance to |x| < width, |y| < height."""
    return np.maximum(np.abs(x) - width, np.abs(y) - height)


def _line(x: Plane, *knots: tuple[Plane | float, Plane | float]) -> Plane:
    """Piecewise linear height over `x` through knots (x, height), level at both ends."""
    (here, height), *rest = knots
    total = height + np.zeros_like(x)
    for there, level in rest:
        total += (level - height) / (there - here) * np.clip(x - here, 0, there - here)
        here, height = there, level
    return total


def _limb(x: Plane, y: Plane, dx: Plane, dy: Plane, thick: Plane, thin: Plane) -> Plane:
    """Signed distance to a tapered stroke from (0, 0) to (dx, dy), cut square at its end."""
    length = _norm(dx, dy)
    along = (x * dx + y * dy) / length
    way = np.clip(along / length, 0, 1)
    side = _norm(x - dx * way, y - dy * way) - (thick + (thin - thick) * way)
    return np.maximum(side, along - length)


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


def _top(cut: _Cut, pen: _Pen) -> Ink:
    """A garment with a neck and, mostly, two sleeves."""
    x, y, ax = pen.x, pen.y, pen.ax
    top, bottom, chest = pen(-13.3, -12.0), pen(*cut.bottom), pen(*cut.chest)
    neck, depth, slope = pen(2.2, 4.0), pen(*cut.neck), pen(1.2, 2.6)
    bare, long = pen.chance(cut.bare), pen.chance(cut.long)
    shoulder = chest + pen(-0.6, 0.8) - bare * pen(0.5, 2.5)
    waist = top + (bottom - top) * pen(0.35, 0.5)
    sides = (top + slope, shoulder), (top + 7, chest), (waist + 2, chest * pen(*cut.waist))
    width = _line(y, (top, neck), *sides, (bottom, chest * pen(*cut.hem)))
    body = np.maximum(np.maximum(ax - width, top - y), y - bottom)

    splay = np.where(long > 0, pen(0.1, 0.3), pen(0.35, 0.85))
    down = np.where(long > 0, pen(16.5, 21.0), pen(4.0, 9.5)) / np.sqrt(1 + splay * splay)
    thick = pen(*cut.sleeve)
    arm_x, arm_y = ax - (shoulder - thick + 0.6), y - (top + slope + thick - 0.8)
    arm = (
        _limb(arm_x, arm_y, down * splay, down, thick, thick - long * pen(0.2, 1.0)) + NEVER * bare
    )

    rim, fall = ax / (neck - 0.3), np.maximum(y - top, 0) / depth
    scoop = np.where(pen.chance(cut.v_neck) > 0, rim + fall, _norm(rim, fall)) - 1
    scoop = scoop * np.minimum(depth, neck)
    collar, hood = pen.chance(cut.collar), pen.chance(cut.hood)
    lapel = _limb(ax, y - top + 0.6, neck * 0.9, pen(2.5, 5.0), pen(0.6, 1.4), pen(1.0, 2.2))
    cap = _norm(ax / 1.3, y - top - 1.5) - pen(2.8, 3.6)
    shape = np.minimum(np.minimum(body, arm), lapel + NEVER * (1 - collar))
    shape = np.minimum(np.maximum(shape, -scoop), cap + NEVER * (1 - hood))

    cloth: Plane = pen.cloth() - pen(0.1, 0.5) * _stroke(ax - width, 0.2) * _fill(arm) * _fill(
        top + 5 - y
    )
    cloth = pen.trim(cloth, _stroke(scoop - 0.6, 0.7), 0.6)
    cloth = pen.trim(cloth, _stroke(lapel) * collar) - 0.4 * _stroke(cap + 1.6, 0.6) * hood
    ajar, front, middle = pen.chance(cut.ajar), _fill(top + depth - y), x - pen(-0.4, 0.4)
    gap = _stroke(middle, pen(0.5, 2.5) * (1.3 - (y - top) / 40))
    cloth = pen.trim(cloth, gap * front * ajar, strength=1.4)
    cloth = pen.trim(cloth, _stroke(middle) * front * (1 - ajar), cut.zip, 1.2)
    pitch, buttons = pen(2.6, 4.2), pen.chance(cut.buttons) * front * (1 - ajar)
    row = (y - top - depth) / pitch
    dots = _fill(_norm(middle, (row - np.rint(row)) * pitch) - 0.75)
    cloth = pen.trim(cloth, dots * buttons, 1, 1.3) - 0.18 * _stroke(middle - 1.6, 0.1) * buttons
    cloth = pen.trim(cloth, _fill(bottom - 1.8 - y) * _fill(ax - width), cut.rib, 0.7)
    logo = _fill(_box(x, y - top - pen(6, 10), pen(1.5, 4.5), pen(0.6, 3.0)))
    cloth = pen.trim(cloth, logo * _wave(x * pen(0.2, 0.5) + y * pen(0.0, 0.4)), cut.logo, 1.8)
    pocket = _box(ax - chest * 0.55, y - bottom + pen(3, 6), pen(1.2, 2.0), pen(0.2, 1.6))
    cloth = pen.trim(cloth, _stroke(pocket), cut.pockets)
    return shape, pen.trim(cloth, _stroke(y - waist, 0.7) * _fill(ax - width), cut.belt)


def _trouser(pen: _Pen) -> Ink:
    """Two legs that part at the crotch."""
    y, ax = pen.y, pen.ax
    top, bottom, hip, crotch = pen(-13.3, -12.5), pen(11.5, 13.3), pen(4, 6), pen(-6.5, -3.5)
    ankle, spread = pen(1.2, 2.6), pen(2.2, 4.2)
    outer = _line(y, (top, hip - pen(0.3, 1.2)), (crotch, hip), (bottom, spread + ankle))
    gap = np.maximum(spread - ankle, pen(0.15, 0.5))
    inner = _line(y, (crotch - 0.5, -2.0), (crotch + 2, 0.2 + 0.1 * gap), (bottom, gap))
    shape = np.maximum(np.maximum(ax - outer, inner - ax), np.maximum(top - y, y - bottom))
    cloth = pen.trim(pen.cloth(), _fill(y - top - pen(1.0, 1.8)), 0.6, 0.7)
    cloth = pen.trim(cloth, _stroke(ax) * _fill(y - crotch), 0.6, 0.8)
    pocket = _stroke(ax - hip + (top + 5 - y) * 0.5) * _fill(y - top - 5)
    return shape, pen.trim(cloth, pocket, 0.5, 0.8)


def _bag(pen: _Pen) -> Ink:
    """A case with a handle, a strap, or neither."""
    x, y, ax = pen.x, pen.y, pen.ax
    bottom, tall, wide, corner = pen(8.5, 12.5), pen(5.5, 9.0), pen(7.5, 13.0), pen(0.5, 3.0)
    top = bottom - 2 * tall
    width = wide - (bottom - y) / tall * pen(-0.4, 1.6)
    side, edge = ax - width, np.abs(y - bottom + tall) - tall
    case = _norm(np.maximum(side + corner, 0), np.maximum(edge + corner, 0)) - corner
    rise, half, kind = pen(3, 12), wide * pen(0.3, 0.75), pen(0, 1)
    arch = np.abs(_norm(ax / half, np.minimum(y - top, 0) / rise) - 1) * np.minimum(half, rise)
    sling = np.abs(ax - width * (1 + (y - top) / rise)) * 0.8
    carry = np.where(kind < 0.55, arch, np.where(kind < 0.8, sling, NEVER)) - pen(0.4, 0.9)
    shape = np.minimum(case, np.maximum(np.maximum(carry, y - top), top - rise - 1 - y))
    lid = y - top - tall * pen(0.4, 1.5) + ax * pen(-0.1, 0.5)
    cloth = pen.trim(pen.cloth(), _stroke(lid, 0.4), 0.5, 1.2)
    cloth = pen.trim(cloth, _fill(lid), 0.3, 0.8)
    clasp = _box(x, y - top - tall * pen(0.4, 1.2), pen(0.5, 1.3), pen(0.5, 1.5))
    cloth = pen.trim(cloth, _fill(clasp), 0.5, 1.5)
    cloth = pen.trim(cloth, _stroke(y - top - 1.2), 0.4)
    pocket = _box(x, y - bottom + tall * 0.7, wide * pen(0.3, 0.7), tall * pen(0.3, 0.5))
    return shape, pen.trim(cloth, _stroke(pocket), 0.35)


def _last(pen: _Pen, ground: Plane, heel: Plane) -> tuple[Plane, Plane]:
    """What every shoe stands on, its toe to the left.

    Returns:
        Height of every pixel above the foot's bed, signed distance to the sole.
    """
    x, up, thick = pen.x, ground - pen.y, pen(0.9, 2.2)
    over = up - thick - _line(x, (-7.0, 0.0), (0.0, 0.25 * heel), (8.0, heel))
    slab = np.maximum(over, -thick - over)
    block = np.maximum(np.maximum(12.4 - pen(0.8, 5.0) - pen(0, 0.3) * up - x, over), -up)
    return over, np.maximum(np.minimum(slab, block), np.abs(x + 0.2) - 12.8)


def _upper(pen: _Pen, over: Plane, throat: Plane, steep: Plane, high: Plane, dip: Plane) -> Plane:
    """Signed distance to a shoe's upper: toe, instep, an opening from `throat` back."""
    x, toe = pen.x, pen(2.0, 3.4)
    front = (-12.8, 0.3 * toe), (-11.3, toe), (-5.5, toe + pen(0.4, 1.6))
    instep = (throat - steep, np.minimum(high, toe + pen(2.0, 3.5))), (throat, high)
    top = _line(x, *front, *instep, (throat + 3.5, high - dip), (12.2, high - 0.2 * dip))
    return np.maximum(np.maximum(over - top, -over), np.abs(x + 0.2) - 12.6)


def _sandal(pen: _Pen) -> Ink:
    """Straps over a sole, flat or on a heel."""
    heel = pen.chance(0.4) * pen(4, 10) + pen(0, 1.2)
    over, sole = _last(pen, pen(3.5, 6.0) + 0.5 * heel, heel)
    upper = _upper(pen, over, pen(1, 4), pen(2, 4), pen(4.5, 8.5), pen(1.0, 2.5))
    straps = np.abs(upper) - pen(0.2, 0.5) + NEVER * pen.chance(0.3)
    lean = pen.x + pen(-0.7, 1.0) * over
    for low, high, p in ((-10, -6, 0.9), (-6, -1, 0.7), (0, 6, 0.45), (10.5, 12, 0.6)):
        strap = np.abs(lean - pen(low, high)) - pen(0.6, 1.7)
        straps = np.minimum(straps, strap + NEVER * (1 - pen.chance(p)))
    cloth = pen.trim(pen.cloth(), _fill(sole), 0.5)
    cloth = pen.trim(cloth, _stroke(straps), 0.4, 0.7)
    return np.minimum(sole, np.maximum(upper, straps)), cloth


def _shoe(
    pen: _Pen, ground: Plane, heel: Plane, throat: Plane, steep: Plane, high: Plane, dip: Plane
) -> Ink:
    """A closed shoe: sole, upper, laces, stripe, caps."""
    x = pen.x
    over, sole = _last(pen, ground, heel)
    upper = _upper(pen, over, throat, steep, high, dip)
    cloth = pen.trim(pen.cloth(), _fill(sole), 0.7, 1.4)
    laces = _stroke(upper + 1.2, 0.8) * _stroke(x - throat + 2.5, 3.5)
    cloth = pen.trim(cloth, laces * _wave((x + over) * pen(0.3, 0.45)), 0.6, 1.5)
    stripe = _stroke(x + pen(-1, 1) * over - pen(-1, 6), pen(0.4, 1.6))
    cloth = pen.trim(cloth, stripe * _fill(upper + 0.6), 0.5)
    caps = np.maximum(_fill(x + pen(7, 10)), _fill(pen(8, 11) - x) * pen.chance(0.5))
    return np.minimum(sole, upper), pen.trim(cloth, caps, 0.35, 0.8)


def _sneaker(pen: _Pen) -> Ink:
    """A low shoe; one in ten reaches over the ankle."""
    high = pen(6, 9) + pen.chance(0.1) * pen(1, 6)
    ground = pen(4, 6) + 0.3 * (high - 7)
    return _shoe(pen, ground, pen(0, 1.2), pen(0, 4), pen(3, 6), high, pen(0.5, 2.5))


def _boot(pen: _Pen) -> Ink:
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

_GARMENTS: tuple[Callable[[_Pen], Ink], ...] = (
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
