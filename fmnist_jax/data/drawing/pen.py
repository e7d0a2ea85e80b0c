"""Draw the synthetic garments' primitives: random numbers, cloth, and signed distances.

Only operations that IEEE 754 rounds exactly are used (no sin, no float sum), so
that the same seed draws the same bytes on every machine.
"""

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import SIDE

Plane = npt.NDArray[np.floating]  # [m, 28, 28], or [m, 1, 1] for one number per image
Garment = tuple[Plane, Plane]  # signed distance to the silhouette, tone of the cloth
NEVER = 99.0  # pixels: a distance added to leave a part out


class Pen:
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
        """Draw uniform numbers, float32 [m, 1, 1]."""
        return low + (high - low) * self._rng.random((self._m, 1, 1), np.float32)

    def chance(self, p: float) -> Plane:
        """Draw 1 with probability `p`, else 0, float32 [m, 1, 1]."""
        return (self._rng.random((self._m, 1, 1), np.float32) < p).astype(np.float32)

    def cloth(self) -> Plane:
        """Draw a tone of about 0..1 per pixel: plain, striped, checked, printed or melange."""
        tone, x, y = self(0.3, 1.0), self.x, self.y
        grain = self._rng.random((self._m, SIDE, SIDE), np.float32)
        print_ = grain + np.roll(grain, 1, 1) + np.roll(grain, -1, 1)
        print_ = print_ + np.roll(print_, 1, 2) + np.roll(print_, -1, 2) - 4.5
        folds = wave(self(0.03, 0.12) * x + self(-0.06, 0.06) * y + self(0, 1))
        tone = tone + self(0, 0.2) * (folds - 0.5) + self(0.03, 0.18) * (grain - 0.5)
        tone = tone + self(-0.012, 0.012) * x + self(-0.01, 0.01) * y - self(0, 0.0012) * x * x
        for pattern, p in (
            (4 * wave(y * self(0.14, 0.3) + self(0, 1)) - 2, 0.13),
            (4 * wave(x * self(0.14, 0.3) + self(0, 1)) - 2, 0.1),
            (print_, 0.13),
        ):
            tone = tone + self(0.1, 0.45) * self.chance(p) * np.clip(pattern, -0.6, 0.6)
        return tone

    def trim(self, cloth: Plane, where: Plane, p: float = 1.0, strength: float = 1.0) -> Plane:
        """Make the cloth, with probability `p`, lighter or darker (at random) `where` (0..1)."""
        sign = self.chance(p) * (2 * self.chance(0.5) - 1)
        return cloth + sign * strength * self(0.2, 0.45) * where


def wave(phase: Plane) -> Plane:
    """Return a triangle wave of period 1 in 0..1."""
    swing: Plane = 2 * (phase - np.floor(phase)) - 1
    return abs(swing)


def fill(distance: Plane) -> Plane:
    """Return the coverage 0..1 of a pixel whose middle lies `distance` outside an edge."""
    covered: Plane = 0.5 - distance
    return np.clip(covered, 0, 1)


def stroke(distance: Plane, half: Plane | float = 0.3) -> Plane:
    """Return the coverage of a line of half width `half` along distance 0."""
    return fill(np.abs(distance) - half)


def norm(x: Plane, y: Plane) -> Plane:
    """Return the distance from the origin."""
    return np.sqrt(x * x + y * y)


def box(x: Plane, y: Plane, width: Plane, height: Plane) -> Plane:
    """Return the signed distance to |x| < width, |y| < height."""
    return np.maximum(np.abs(x) - width, np.abs(y) - height)


def line(x: Plane, *knots: tuple[Plane | float, Plane | float]) -> Plane:
    """Return the piecewise linear height over `x` through knots (x, height), level at both ends."""
    (here, height), *rest = knots
    total = height + np.zeros_like(x)
    for there, level in rest:
        total += (level - height) / (there - here) * np.clip(x - here, 0, there - here)
        here, height = there, level
    return total


def limb(x: Plane, y: Plane, dx: Plane, dy: Plane, thick: Plane, thin: Plane) -> Plane:
    """Return the signed distance to a tapered stroke from (0, 0) to (dx, dy) with a square end."""
    length = norm(dx, dy)
    along = (x * dx + y * dy) / length
    way = np.clip(along / length, 0, 1)
    side = norm(x - dx * way, y - dy * way) - (thick + (thin - thick) * way)
    return np.maximum(side, along - length)
