"""Draw sandals, sneakers and ankle boots, with the toe to the left."""

import numpy as np

from fmnist_jax.data.drawing.pen import NEVER, Garment, Pen, Plane, fill, line, stroke, wave


def _last(pen: Pen, ground: Plane, heel: Plane) -> tuple[Plane, Plane]:
    """Draw the sole of a shoe, with the toe to the left.

    Returns:
        Height of every pixel above the foot's bed, signed distance to the sole.
    """
    x, up, thick = pen.x, ground - pen.y, pen(0.9, 2.2)
    over = up - thick - line(x, (-7.0, 0.0), (0.0, 0.25 * heel), (8.0, heel))
    slab = np.maximum(over, -thick - over)
    block = np.maximum(np.maximum(12.4 - pen(0.8, 5.0) - pen(0, 0.3) * up - x, over), -up)
    return over, np.maximum(np.minimum(slab, block), np.abs(x + 0.2) - 12.8)


def _upper(pen: Pen, over: Plane, throat: Plane, steep: Plane, high: Plane, dip: Plane) -> Plane:
    """Return the signed distance to a shoe's upper: toe, instep, an opening from `throat` back."""
    x, toe = pen.x, pen(2.0, 3.4)
    front = (-12.8, 0.3 * toe), (-11.3, toe), (-5.5, toe + pen(0.4, 1.6))
    instep = (throat - steep, np.minimum(high, toe + pen(2.0, 3.5))), (throat, high)
    top = line(x, *front, *instep, (throat + 3.5, high - dip), (12.2, high - 0.2 * dip))
    return np.maximum(np.maximum(over - top, -over), np.abs(x + 0.2) - 12.6)


def sandal(pen: Pen) -> Garment:
    """Draw straps over a sole, flat or on a heel."""
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
) -> Garment:
    """Draw a closed shoe: sole, upper, laces, stripe, caps."""
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


def sneaker(pen: Pen) -> Garment:
    """Draw a low shoe; one in ten reaches over the ankle."""
    high = pen(6, 9) + pen.chance(0.1) * pen(1, 6)
    ground = pen(4, 6) + 0.3 * (high - 7)
    return _shoe(pen, ground, pen(0, 1.2), pen(0, 4), pen(3, 6), high, pen(0.5, 2.5))


def boot(pen: Pen) -> Garment:
    """Draw a shaft over the ankle; the low ones are nearly sneakers."""
    heel, high = pen(0.3, 2.5) + pen.chance(0.25) * pen(1, 5), pen(9.5, 17.0)
    ground = 0.5 * (high + heel) + pen(1.0, 2.5)
    return _shoe(pen, ground, heel, pen(0.5, 4.0), pen(1.0, 4.5), high, pen(-0.6, 1.0))
