"""Motifs of drawn posters: flat shapes in a field of 400 x 400 units, varied by a seed.

Each function takes the seed and the inks and returns SVG elements.
"""

from typing import NamedTuple

from serving.posters.svg import (
    clipped_group,
    filled_circle,
    filled_path,
    filled_polygon,
    filled_rect,
    filled_wedge,
    outlined_circle,
    rotated_group,
    seeded_noise,
)


class Inks(NamedTuple):
    """The ground and three colours that stand out from it, the strongest first."""

    ground: str
    first: str
    second: str
    third: str


def low_sun(seed: int, inks: Inks) -> str:
    """A sun cut into bands at the horizon, above water."""
    x, r = 130 + 140 * seeded_noise(seed, 0), 118 + 34 * seeded_noise(seed, 1)
    horizon = 292
    bands = (filled_rect(0, 196 + 20 * i, 400, 3 + 2.6 * i, inks.ground) for i in range(6))
    sun = filled_circle(x, horizon - r * 0.42, r, inks.first) + "".join(bands)
    water = (
        filled_rect(x - 130 + 18 * i, horizon + 14 + 18 * i, 260 - 36 * i, 5, inks.second if i % 2 else inks.first)
        for i in range(6)
    )
    return sun + filled_rect(0, horizon, 400, 108, inks.third) + "".join(water)


def mountain_peaks(seed: int, inks: Inks) -> str:
    """Faceted mountains in front of a disc."""
    parts = [filled_circle(110 + 200 * seeded_noise(seed, 0), 120 + 40 * seeded_noise(seed, 1), 64, inks.first)]
    for i, (middle, height) in enumerate(((90, 170), (300, 130), (190, 215))):
        x, top = middle + 50 * seeded_noise(seed, 4 + i) - 25, height + 40 * seeded_noise(seed, 8 + i)
        half = (400 - top) * 0.72
        parts += [
            filled_polygon(inks.third, (x - half, 400), (x, top), (x + half, 400)),
            filled_polygon(
                inks.second, (x, top), (x + half, 400), (x + half * 0.12, 400), (x - half * 0.1, top + half * 0.5)
            ),
        ]
    return "".join(parts)


def sand_dunes(seed: int, inks: Inks) -> str:
    """Three long curves and a small sun."""
    parts = [filled_circle(90 + 220 * seeded_noise(seed, 0), 96 + 40 * seeded_noise(seed, 1), 44, inks.first)]
    for i, (top, ink) in enumerate(((200, inks.third), (262, inks.second), (326, inks.first))):
        a, b = top - 80 * seeded_noise(seed, 3 + i), top + 70 * seeded_noise(seed, 6 + i)
        parts.append(filled_path(f"M0 {top} C120 {a:.0f} 250 {b:.0f} 400 {top - 30} V400 H0z", ink))
    return "".join(parts)


def nested_arches(seed: int, inks: Inks) -> str:
    """Arches inside each other."""
    x = 120 + 160 * seeded_noise(seed, 0)
    colours = (inks.third, inks.first, inks.second, inks.ground)
    widths = range(190, 20, -(26 + int(14 * seeded_noise(seed, 1))))
    doors = (
        filled_path(f"M{x - w:.0f} 400 V{w + 40} A{w} {w} 0 0 1 {x + w:.0f} {w + 40} V400z", colours[i % 4])
        for i, w in enumerate(widths)
    )
    return "".join(doors)


def quarter_tiles(seed: int, inks: Inks) -> str:
    """Quarter circles, half circles and dots on a board of four by four."""
    colours, parts = (inks.first, inks.second, inks.third), []
    for i in range(16):
        x, y = 100 * (i % 4), 100 * (i // 4)
        ink, other = colours[int(3 * seeded_noise(seed, i))], colours[int(3 * seeded_noise(seed, 20 + i))]
        kind = int(5 * seeded_noise(seed, 40 + i))
        quarter = filled_path(f"M{x} {y} h100 A100 100 0 0 1 {x} {y + 100}z", ink)
        half = filled_path(f"M{x} {y} A50 50 0 0 0 {x + 100} {y}z", ink) + filled_path(
            f"M{x} {y + 50} A50 50 0 0 0 {x + 100} {y + 50}z", other
        )
        dot = filled_circle(x + 50, y + 50, 50, ink) + filled_circle(x + 50, y + 50, 20, inks.ground)
        block = filled_rect(x, y, 100, 100, ink) + filled_circle(x + 50, y + 50, 28, inks.ground)
        parts.append(
            rotated_group(
                90 * int(4 * seeded_noise(seed, 60 + i)), x + 50, y + 50, [(quarter, half, dot, quarter, block)[kind]]
            )
        )
    return "".join(parts)


def planet_orbits(seed: int, inks: Inks) -> str:
    """A large planet with rings and moons."""
    x, y = 110 + 180 * seeded_noise(seed, 0), 200 + 60 * seeded_noise(seed, 1)
    stars = (
        filled_circle(400 * seeded_noise(seed, 10 + i), 400 * seeded_noise(seed, 40 + i), 1.5, inks.second)
        for i in range(30)
    )
    radii = [118 + 38 * i for i in range(6)]
    moons = (
        rotated_group(
            360 * seeded_noise(seed, 70 + i),
            x,
            y,
            [filled_circle(x + r, y, 5 + 9 * seeded_noise(seed, 80 + i), inks.second)],
        )
        for i, r in enumerate(radii[:4])
    )
    rings = (outlined_circle(x, y, r, inks.third, 2) for r in radii)
    shadow = clipped_group("planet", filled_circle(x, y, 84, "#000"), [filled_circle(x + 34, y + 26, 84, inks.third)])
    return "".join([*stars, *rings, filled_circle(x, y, 84, inks.first), shadow, *moons])


def circle_tunnel(seed: int, inks: Inks) -> str:
    """Circles inside each other, each shifted a little."""
    x, y, turn = 200 + 60 * (seeded_noise(seed, 0) - 0.5), 200.0, seeded_noise(seed, 1) - 0.5
    colours = (inks.ground, inks.first) if seeded_noise(seed, 2) < 0.5 else (inks.third, inks.second)
    parts = [filled_rect(-200, -200, 800, 800, colours[1])]
    for i, r in enumerate(range(330, 12, -24)):
        parts.append(filled_circle(x + turn * 7 * i, y - 2.4 * i, r, colours[i % 2]))
    return "".join(parts) + filled_circle(x + turn * 91, y - 31, 20, inks.first)


def lone_light(seed: int, inks: Inks) -> str:
    """A cone of light from above with a small figure in it."""
    x = 130 + 140 * seeded_noise(seed, 0)
    top = x + 120 * (seeded_noise(seed, 1) - 0.5)
    cone = filled_polygon(inks.third, (top - 8, -10), (top + 8, -10), (x + 112, 336), (x - 112, 336))
    floor = f'<ellipse cx="{x:.0f}" cy="336" rx="112" ry="30" fill="{inks.first}"/>'
    lean = 70 * (1 if top < x else -1)
    shadow = filled_polygon(inks.ground, (x - 6, 338), (x + 6, 338), (x + lean + 12, 362), (x + lean - 12, 362))
    figure = filled_path(
        f"M{x - 11:.0f} 340 L{x - 8:.0f} 292 Q{x:.0f} 280 {x + 8:.0f} 292 L{x + 11:.0f} 340z", inks.ground
    )
    return cone + floor + shadow + figure + filled_circle(x, 276, 9, inks.ground)


def slatted_blinds(seed: int, inks: Inks) -> str:
    """Slats, and a disc in which they are shifted by half a step."""
    x, y, r = 150 + 100 * seeded_noise(seed, 0), 180 + 50 * seeded_noise(seed, 1), 128
    step = 26
    slats = [filled_rect(-200, step * i - 200, 800, step / 2, inks.third) for i in range(31)]
    others = [filled_rect(-200, step * i - 200 + step / 2, 800, step / 2, inks.first) for i in range(31)]
    lean = (-24, -12, 0, 12)[int(4 * seeded_noise(seed, 2))]
    disc = clipped_group("disc", filled_circle(x, y, r, "#000"), [rotated_group(lean, x, y, others)])
    return rotated_group(lean, x, y, slats) + filled_circle(x, y, r, inks.ground) + disc


def pointed_teeth(seed: int, inks: Inks) -> str:
    """Spikes from above and below with a disc between them."""
    n = 6 + int(4 * seeded_noise(seed, 0))
    step = 400 / n
    parts = [filled_circle(120 + 160 * seeded_noise(seed, 1), 196, 66, inks.first)]
    for i in range(-1, n + 1):
        x = step * (i + 0.5)
        down, up = 110 + 90 * seeded_noise(seed, 10 + i), 290 - 100 * seeded_noise(seed, 30 + i)
        parts += [
            filled_polygon(inks.third, (x - step * 0.6, 0), (x + step * 0.6, 0), (x, down)),
            filled_polygon(inks.second, (x, 400), (x + step, 400), (x + step / 2, up)),
        ]
    return "".join(parts)


def great_eye(seed: int, inks: Inks) -> str:
    """One large eye, looking in a direction given by the seed."""
    x, y = 200 + 70 * (seeded_noise(seed, 0) - 0.5), 200 + 30 * (seeded_noise(seed, 1) - 0.5)
    white = "M14 200 Q200 28 386 200 Q200 372 14 200z"
    rays = (rotated_group(18 * i - 81, 200, 200, [filled_rect(196, -70, 8, 130, inks.third)]) for i in range(10))
    iris = [filled_circle(x, y, 92, inks.third), *(outlined_circle(x, y, 34 + 12 * i, inks.first, 3) for i in range(5))]
    pupil = filled_circle(x, y, 40, inks.ground) + filled_circle(x + 17, y - 17, 10, inks.second)
    inside = [filled_path(white, inks.second), *iris, pupil]
    return "".join(rays) + clipped_group("eye", filled_path(white, "#000"), inside)


def ray_burst(seed: int, inks: Inks) -> str:
    """Rays in all directions from a disc."""
    x, y = 110 + 180 * seeded_noise(seed, 0), 190 + 90 * seeded_noise(seed, 1)
    n = 11 + int(6 * seeded_noise(seed, 2))
    beams = (filled_wedge(x, y, i / n, (i + 0.5) / n, inks.third if i % 2 else inks.second) for i in range(n))
    return "".join(beams) + filled_circle(x, y, 82, inks.ground) + filled_circle(x, y, 66, inks.first)


def wave_scales(seed: int, inks: Inks) -> str:
    """Rows of scales, as in old prints, below a disc."""
    x = 100 + 200 * seeded_noise(seed, 0)
    parts = [filled_circle(x, 112, 78, inks.first)]
    for row in range(7):
        y = 196 + 36 * row
        for i in range(-1, 6):
            middle = 80 * i + (40 if row % 2 else 0)
            parts += [
                filled_circle(middle, y + 20, 46, inks.ground),
                filled_circle(middle, y + 20, 40, inks.third),
                filled_circle(middle, y + 20, 27, inks.ground),
                filled_circle(middle, y + 20, 22, inks.second),
            ]
    return "".join(parts)


def lit_steps(seed: int, inks: Inks) -> str:
    """Stairs that lead up to a door."""
    n = 6 + int(3 * seeded_noise(seed, 0))
    wide, high = 300 / n, 250 / n
    parts = []
    for i in range(n):
        x, y = wide * i, 400 - high * (i + 1)
        parts += [
            filled_rect(x, y, 400 - x, 400 - y, inks.third if i % 2 else inks.ground),
            filled_rect(x, y, 400 - x, 7, inks.first),
        ]
    door = filled_rect(318, 34, 58, 400 - 250 - 34, inks.second)
    return filled_circle(120, 120, 54 + 20 * seeded_noise(seed, 1), inks.first) + door + "".join(parts)


def halftone_dots(seed: int, inks: Inks) -> str:
    """Printed dots that grow towards a point of light."""
    x, y = 400 * seeded_noise(seed, 0), 400 * seeded_noise(seed, 1)
    parts = [filled_circle(x, y, 130, inks.third)]
    for i in range(13):
        for j in range(13):
            dot_x, dot_y = 16 + 32 * i + (16 if j % 2 else 0), 10 + 32 * j
            far = ((dot_x - x) ** 2 + (dot_y - y) ** 2) ** 0.5
            parts.append(filled_circle(dot_x, dot_y, max(1.5, 16 - far / 26), inks.first if far < 150 else inks.second))
    return "".join(parts)


def two_circles(seed: int, inks: Inks) -> str:
    """Two circles with their overlap in a third colour."""
    apart, r = 52 + 22 * seeded_noise(seed, 0), 122
    left, right = (200 - apart, 190 + 30 * seeded_noise(seed, 1)), (200 + apart, 205 - 30 * seeded_noise(seed, 2))
    shared = clipped_group("shared", filled_circle(*left, r, "#000"), [filled_circle(*right, r, inks.third)])
    return filled_circle(*left, r, inks.first) + filled_circle(*right, r, inks.second) + shared


def arrow_chevrons(seed: int, inks: Inks) -> str:
    """Parallel arrowheads that all point the same way."""
    colours = (inks.first, inks.third, inks.second, inks.ground)
    wide = 46 + 16 * seeded_noise(seed, 0)
    heads = (
        filled_polygon(
            colours[i % 4],
            (x, -200),
            (x + wide, -200),
            (x + wide + 190, 200),
            (x + wide, 600),
            (x, 600),
            (x + 190, 200),
        )
        for i, x in enumerate(-320 + wide * k for k in range(18))
    )
    return rotated_group((0, -90, -30)[int(3 * seeded_noise(seed, 1))], 200, 200, heads)


def floating_balloons(seed: int, inks: Inks) -> str:
    """Large overlapping balls."""
    colours = (inks.first, inks.second, inks.third)
    parts = []
    for i in range(9):
        x, y, r = (
            400 * seeded_noise(seed, 10 + i),
            400 * seeded_noise(seed, 30 + i),
            34 + 62 * seeded_noise(seed, 50 + i),
        )
        parts += [
            filled_circle(x, y, r, colours[i % 3]),
            filled_circle(x + r * 0.3, y - r * 0.3, r * 0.34, colours[(i + 1) % 3]),
        ]
    return "".join(parts)
