"""Draw garments with a neck and sleeves: one function, five cuts."""

from dataclasses import dataclass

import numpy as np

from fmnist_jax.data.drawing.pen import (
    NEVER,
    Garment,
    Pen,
    Plane,
    box,
    fill,
    limb,
    line,
    norm,
    stroke,
    wave,
)

Range = tuple[float, float]


@dataclass(frozen=True)
class Cut:
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


def draw(cut: Cut, pen: Pen) -> Garment:
    """Draw a garment with a neck and, mostly, two sleeves."""
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


SHIRT = Cut(
    chest=(5.6, 7.2), waist=(0.84, 1.0), bottom=(10.5, 12.8), sleeve=(1.7, 2.5), v_neck=0.7,
    bare=0.03, long=0.65, collar=0.85, buttons=0.85, pockets=0.2, logo=0.03,
)  # fmt: skip
PULLOVER = Cut(waist=(0.9, 1.05), hood=0.15, rib=0.6, logo=0.25, collar=0.06)
DRESS = Cut(
    chest=(3.8, 5.8), waist=(0.7, 0.95), hem=(0.9, 1.9), bottom=(12.5, 13.4), neck=(1.5, 5.0),
    v_neck=0.4, bare=0.5, long=0.4, buttons=0.05, collar=0.05, belt=0.35,
)  # fmt: skip
COAT = Cut(
    chest=(6.4, 8.0), waist=(0.9, 1.05), bottom=(11.8, 13.5), sleeve=(2.3, 3.2), neck=(1.0, 6.0),
    v_neck=0.8, collar=0.7, hood=0.15, buttons=0.3, zip=0.75, ajar=0.3, pockets=0.6, belt=0.12,
    rib=0.1,
)  # fmt: skip
T_SHIRT = Cut(bare=0.08, long=0.07, logo=0.4, rib=0.1, pockets=0.05)
