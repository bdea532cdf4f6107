"""What drawn posters show: flat shapes in a field of 400 by 400, moved about by a seed.

Each takes the seed and the inks: the ground and three colours that stand out from it, the first the strongest.
"""

from typing import NamedTuple

from serving.posters.svg import circle, clipped, noise, path, polygon, rect, ring, turned, wedge


class Inks(NamedTuple):
    ground: str
    first: str
    second: str
    third: str


def low_sun(seed: int, inks: Inks) -> str:
    """A sun that is cut into bands where it sinks."""
    x, r = 130 + 140 * noise(seed, 0), 118 + 34 * noise(seed, 1)
    horizon = 292
    bands = (rect(0, 196 + 20 * i, 400, 3 + 2.6 * i, inks.ground) for i in range(6))
    sun = circle(x, horizon - r * 0.42, r, inks.first) + "".join(bands)
    water = (
        rect(x - 130 + 18 * i, horizon + 14 + 18 * i, 260 - 36 * i, 5, inks.second if i % 2 else inks.first)
        for i in range(6)
    )
    return sun + rect(0, horizon, 400, 108, inks.third) + "".join(water)


def peaks(seed: int, inks: Inks) -> str:
    """Facetted mountains before a disc."""
    parts = [circle(110 + 200 * noise(seed, 0), 120 + 40 * noise(seed, 1), 64, inks.first)]
    for i, (middle, height) in enumerate(((90, 170), (300, 130), (190, 215))):
        x, top = middle + 50 * noise(seed, 4 + i) - 25, height + 40 * noise(seed, 8 + i)
        half = (400 - top) * 0.72
        parts += [
            polygon(inks.third, (x - half, 400), (x, top), (x + half, 400)),
            polygon(inks.second, (x, top), (x + half, 400), (x + half * 0.12, 400), (x - half * 0.1, top + half * 0.5)),
        ]
    return "".join(parts)


def dunes(seed: int, inks: Inks) -> str:
    """Three long curves, and a small sun."""
    parts = [circle(90 + 220 * noise(seed, 0), 96 + 40 * noise(seed, 1), 44, inks.first)]
    for i, (top, ink) in enumerate(((200, inks.third), (262, inks.second), (326, inks.first))):
        a, b = top - 80 * noise(seed, 3 + i), top + 70 * noise(seed, 6 + i)
        parts.append(path(f"M0 {top} C120 {a:.0f} 250 {b:.0f} 400 {top - 30} V400 H0z", ink))
    return "".join(parts)


def arches(seed: int, inks: Inks) -> str:
    """Arch within arch, a way into the picture."""
    x = 120 + 160 * noise(seed, 0)
    colours = (inks.third, inks.first, inks.second, inks.ground)
    widths = range(190, 20, -(26 + int(14 * noise(seed, 1))))
    doors = (
        path(f"M{x - w:.0f} 400 V{w + 40} A{w} {w} 0 0 1 {x + w:.0f} {w + 40} V400z", colours[i % 4])
        for i, w in enumerate(widths)
    )
    return "".join(doors)


def tiles(seed: int, inks: Inks) -> str:
    """Quarter circles, half circles and dots on a board of four by four."""
    colours, parts = (inks.first, inks.second, inks.third), []
    for i in range(16):
        x, y = 100 * (i % 4), 100 * (i // 4)
        ink, other = colours[int(3 * noise(seed, i))], colours[int(3 * noise(seed, 20 + i))]
        kind = int(5 * noise(seed, 40 + i))
        quarter = path(f"M{x} {y} h100 A100 100 0 0 1 {x} {y + 100}z", ink)
        half = path(f"M{x} {y} A50 50 0 0 0 {x + 100} {y}z", ink) + path(
            f"M{x} {y + 50} A50 50 0 0 0 {x + 100} {y + 50}z", other
        )
        dot = circle(x + 50, y + 50, 50, ink) + circle(x + 50, y + 50, 20, inks.ground)
        block = rect(x, y, 100, 100, ink) + circle(x + 50, y + 50, 28, inks.ground)
        parts.append(
            turned(90 * int(4 * noise(seed, 60 + i)), x + 50, y + 50, [(quarter, half, dot, quarter, block)[kind]])
        )
    return "".join(parts)


def orbits(seed: int, inks: Inks) -> str:
    """A great planet, its rings, its moons."""
    x, y = 110 + 180 * noise(seed, 0), 200 + 60 * noise(seed, 1)
    stars = (circle(400 * noise(seed, 10 + i), 400 * noise(seed, 40 + i), 1.5, inks.second) for i in range(30))
    radii = [118 + 38 * i for i in range(6)]
    moons = (
        turned(360 * noise(seed, 70 + i), x, y, [circle(x + r, y, 5 + 9 * noise(seed, 80 + i), inks.second)])
        for i, r in enumerate(radii[:4])
    )
    rings = (ring(x, y, r, inks.third, 2) for r in radii)
    shadow = clipped("planet", circle(x, y, 84, "#000"), [circle(x + 34, y + 26, 84, inks.third)])
    return "".join([*stars, *rings, circle(x, y, 84, inks.first), shadow, *moons])


def tunnel(seed: int, inks: Inks) -> str:
    """Circle within circle, each a little aside: one falls into it."""
    x, y, turn = 200 + 60 * (noise(seed, 0) - 0.5), 200.0, noise(seed, 1) - 0.5
    colours = (inks.ground, inks.first) if noise(seed, 2) < 0.5 else (inks.third, inks.second)
    parts = [rect(-200, -200, 800, 800, colours[1])]
    for i, r in enumerate(range(330, 12, -24)):
        parts.append(circle(x + turn * 7 * i, y - 2.4 * i, r, colours[i % 2]))
    return "".join(parts) + circle(x + turn * 91, y - 31, 20, inks.first)


def lone_light(seed: int, inks: Inks) -> str:
    """A cone of light from above, and somebody small in it."""
    x = 130 + 140 * noise(seed, 0)
    top = x + 120 * (noise(seed, 1) - 0.5)
    cone = polygon(inks.third, (top - 8, -10), (top + 8, -10), (x + 112, 336), (x - 112, 336))
    floor = f'<ellipse cx="{x:.0f}" cy="336" rx="112" ry="30" fill="{inks.first}"/>'
    lean = 70 * (1 if top < x else -1)
    shadow = polygon(inks.ground, (x - 6, 338), (x + 6, 338), (x + lean + 12, 362), (x + lean - 12, 362))
    figure = path(f"M{x - 11:.0f} 340 L{x - 8:.0f} 292 Q{x:.0f} 280 {x + 8:.0f} 292 L{x + 11:.0f} 340z", inks.ground)
    return cone + floor + shadow + figure + circle(x, 276, 9, inks.ground)


def blinds(seed: int, inks: Inks) -> str:
    """Slats, and a disc in which they are out of step."""
    x, y, r = 150 + 100 * noise(seed, 0), 180 + 50 * noise(seed, 1), 128
    step = 26
    slats = [rect(-200, step * i - 200, 800, step / 2, inks.third) for i in range(31)]
    others = [rect(-200, step * i - 200 + step / 2, 800, step / 2, inks.first) for i in range(31)]
    lean = (-24, -12, 0, 12)[int(4 * noise(seed, 2))]
    disc = clipped("disc", circle(x, y, r, "#000"), [turned(lean, x, y, others)])
    return turned(lean, x, y, slats) + circle(x, y, r, inks.ground) + disc


def teeth(seed: int, inks: Inks) -> str:
    """Spikes from above and below, and what looks out between them."""
    n = 6 + int(4 * noise(seed, 0))
    step = 400 / n
    parts = [circle(120 + 160 * noise(seed, 1), 196, 66, inks.first)]
    for i in range(-1, n + 1):
        x = step * (i + 0.5)
        down, up = 110 + 90 * noise(seed, 10 + i), 290 - 100 * noise(seed, 30 + i)
        parts += [
            polygon(inks.third, (x - step * 0.6, 0), (x + step * 0.6, 0), (x, down)),
            polygon(inks.second, (x, 400), (x + step, 400), (x + step / 2, up)),
        ]
    return "".join(parts)


def eye(seed: int, inks: Inks) -> str:
    """One great eye; it looks somewhere."""
    x, y = 200 + 70 * (noise(seed, 0) - 0.5), 200 + 30 * (noise(seed, 1) - 0.5)
    white = "M14 200 Q200 28 386 200 Q200 372 14 200z"
    rays = (turned(18 * i - 81, 200, 200, [rect(196, -70, 8, 130, inks.third)]) for i in range(10))
    iris = [circle(x, y, 92, inks.third), *(ring(x, y, 34 + 12 * i, inks.first, 3) for i in range(5))]
    pupil = circle(x, y, 40, inks.ground) + circle(x + 17, y - 17, 10, inks.second)
    inside = [path(white, inks.second), *iris, pupil]
    return "".join(rays) + clipped("eye", path(white, "#000"), inside)


def burst(seed: int, inks: Inks) -> str:
    """Rays to all sides from a disc."""
    x, y = 110 + 180 * noise(seed, 0), 190 + 90 * noise(seed, 1)
    n = 11 + int(6 * noise(seed, 2))
    beams = (wedge(x, y, i / n, (i + 0.5) / n, inks.third if i % 2 else inks.second) for i in range(n))
    return "".join(beams) + circle(x, y, 82, inks.ground) + circle(x, y, 66, inks.first)


def scales(seed: int, inks: Inks) -> str:
    """Rows of waves, as on old prints, under a disc."""
    x = 100 + 200 * noise(seed, 0)
    parts = [circle(x, 112, 78, inks.first)]
    for row in range(7):
        y = 196 + 36 * row
        for i in range(-1, 6):
            middle = 80 * i + (40 if row % 2 else 0)
            parts += [
                circle(middle, y + 20, 46, inks.ground),
                circle(middle, y + 20, 40, inks.third),
                circle(middle, y + 20, 27, inks.ground),
                circle(middle, y + 20, 22, inks.second),
            ]
    return "".join(parts)


def steps(seed: int, inks: Inks) -> str:
    """Stairs with light on them, to a door."""
    n = 6 + int(3 * noise(seed, 0))
    wide, high = 300 / n, 250 / n
    parts = []
    for i in range(n):
        x, y = wide * i, 400 - high * (i + 1)
        parts += [
            rect(x, y, 400 - x, 400 - y, inks.third if i % 2 else inks.ground),
            rect(x, y, 400 - x, 7, inks.first),
        ]
    door = rect(318, 34, 58, 400 - 250 - 34, inks.second)
    return circle(120, 120, 54 + 20 * noise(seed, 1), inks.first) + door + "".join(parts)


def halftone(seed: int, inks: Inks) -> str:
    """Dots that grow towards a light, as in print."""
    x, y = 400 * noise(seed, 0), 400 * noise(seed, 1)
    parts = [circle(x, y, 130, inks.third)]
    for i in range(13):
        for j in range(13):
            dot_x, dot_y = 16 + 32 * i + (16 if j % 2 else 0), 10 + 32 * j
            far = ((dot_x - x) ** 2 + (dot_y - y) ** 2) ** 0.5
            parts.append(circle(dot_x, dot_y, max(1.5, 16 - far / 26), inks.first if far < 150 else inks.second))
    return "".join(parts)


def two_circles(seed: int, inks: Inks) -> str:
    """Two that overlap, and what they share."""
    apart, r = 52 + 22 * noise(seed, 0), 122
    left, right = (200 - apart, 190 + 30 * noise(seed, 1)), (200 + apart, 205 - 30 * noise(seed, 2))
    shared = clipped("shared", circle(*left, r, "#000"), [circle(*right, r, inks.third)])
    return circle(*left, r, inks.first) + circle(*right, r, inks.second) + shared


def chevrons(seed: int, inks: Inks) -> str:
    """Arrowheads one after the other, all one way."""
    colours = (inks.first, inks.third, inks.second, inks.ground)
    wide = 46 + 16 * noise(seed, 0)
    heads = (
        polygon(
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
    return turned((0, -90, -30)[int(3 * noise(seed, 1))], 200, 200, heads)


def balloons(seed: int, inks: Inks) -> str:
    """Large round things, one over the other."""
    colours = (inks.first, inks.second, inks.third)
    parts = []
    for i in range(9):
        x, y, r = 400 * noise(seed, 10 + i), 400 * noise(seed, 30 + i), 34 + 62 * noise(seed, 50 + i)
        parts += [circle(x, y, r, colours[i % 3]), circle(x + r * 0.3, y - r * 0.3, r * 0.34, colours[(i + 1) % 3])]
    return "".join(parts)
