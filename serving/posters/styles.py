"""The art direction of drawn posters: for each genre its palettes, what is shown, and how the title is set."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from serving.posters import motifs as show
from serving.posters.motifs import Inks
from serving.posters.svg import noise

Compose = Callable[[int, Inks], str]


class Palette(NamedTuple):
    """The ground, three inks on it, and the colour of words: at least 4.5:1 on the ground."""

    ground: str
    first: str
    second: str
    third: str
    words: str


class Face(NamedTuple):
    family: str
    weight: int
    capitals: bool


SANS = "'Helvetica Neue',Helvetica,Arial,'Liberation Sans',system-ui,sans-serif"
SERIF = "Georgia,'Iowan Old Style','Times New Roman','Liberation Serif',serif"
GROTESQUE = Face(SANS, 800, capitals=False)
POSTER = Face(SANS, 800, capitals=True)
BOOK = Face(SERIF, 700, capitals=False)

MIDNIGHT = Palette("#14213d", "#f5a623", "#e9e4d4", "#3f5f94", "#fbf4e2")
BRICK = Palette("#6f1d1b", "#f2c14e", "#f6e7cb", "#b6402f", "#fbeed7")
FOREST = Palette("#12372a", "#e8c468", "#f4f1de", "#3f7d5c", "#f7f4e3")
TEAL = Palette("#0b3c49", "#f4b860", "#f6ead0", "#1f7a8c", "#f9f3e3")
PLUM = Palette("#35184a", "#f28f79", "#f8d9b8", "#7d3f8f", "#fdeee0")
NOIR = Palette("#17171b", "#e8e4da", "#a3a1a0", "#45454d", "#f2efe8")
BLOOD = Palette("#1a0b0d", "#d7263d", "#f3e9dc", "#64141f", "#f3e9dc")
MUSTARD = Palette("#e0ac35", "#2b2d42", "#fff3d6", "#c8463d", "#23243a")
PAPER = Palette("#efe6d5", "#d1493f", "#1d3557", "#e3a938", "#1c2b3f")
CORAL = Palette("#e8694a", "#fff1d0", "#5a1a26", "#f7bf4f", "#2b0a10")
SKY = Palette("#8ecae6", "#ffb703", "#023047", "#f4f1e4", "#02283b")
ROSE = Palette("#f2cdc4", "#c03a50", "#6b1d3a", "#e98a74", "#571530")
SAND = Palette("#a8471f", "#f6d9a0", "#561f10", "#d9853f", "#fff1d8")
OLIVE = Palette("#434a1c", "#e0b94f", "#ece0bd", "#77803a", "#f5edd5")
STEEL = Palette("#24394d", "#e6b566", "#eef2f2", "#55809c", "#f1f4f4")
VIOLET = Palette("#241a4d", "#ff8fb8", "#8ad6ff", "#5f43ab", "#f5edff")
MINT = Palette("#cde6d3", "#ef7f3a", "#14554a", "#fff7e0", "#103f37")
GRAPHITE = Palette("#2b2f38", "#e2cfa4", "#c1c7d0", "#5a6272", "#f3efe4")


STANDING = {show.lone_light, show.steps, show.low_sun, show.peaks, show.dunes}  # cut off at the top where it must be


class Style(NamedTuple):
    """What a genre may look like."""

    palettes: tuple[Palette, ...]
    shows: tuple[Compose, ...]
    face: Face


# The telling genres before the common ones.
STYLES = {
    "Film-Noir": Style((NOIR, GRAPHITE), (show.lone_light, show.blinds, show.steps), BOOK),
    "Western": Style((SAND, BRICK, MUSTARD), (show.low_sun, show.dunes, show.peaks), BOOK),
    "Horror": Style((BLOOD, NOIR), (show.teeth, show.eye, show.tunnel), POSTER),
    "Musical": Style((PLUM, CORAL, VIOLET), (show.burst, show.halftone, show.arches), GROTESQUE),
    "War": Style((OLIVE, BRICK, GRAPHITE), (show.chevrons, show.low_sun, show.peaks), POSTER),
    "Animation": Style((SKY, MINT, CORAL), (show.balloons, show.tiles, show.scales), GROTESQUE),
    "Documentary": Style((PAPER, STEEL), (show.halftone, show.eye, show.tiles), GROTESQUE),
    "Sci-Fi": Style((MIDNIGHT, VIOLET, TEAL), (show.orbits, show.tunnel, show.halftone), POSTER),
    "Mystery": Style((TEAL, PLUM, GRAPHITE), (show.eye, show.lone_light, show.tunnel), BOOK),
    "Fantasy": Style((VIOLET, FOREST, PLUM), (show.scales, show.arches, show.orbits), BOOK),
    "Children": Style((MINT, SKY, MUSTARD), (show.tiles, show.balloons, show.arches), GROTESQUE),
    "Crime": Style((BRICK, NOIR, STEEL), (show.blinds, show.steps, show.lone_light), POSTER),
    "Romance": Style((ROSE, PLUM, BRICK), (show.two_circles, show.dunes, show.arches), BOOK),
    "Thriller": Style((TEAL, GRAPHITE, BLOOD), (show.tunnel, show.blinds, show.steps), POSTER),
    "Adventure": Style((FOREST, TEAL, SAND), (show.peaks, show.scales, show.low_sun), GROTESQUE),
    "Action": Style((BRICK, MIDNIGHT, CORAL), (show.burst, show.chevrons, show.halftone), POSTER),
    "Comedy": Style((MUSTARD, PAPER, CORAL), (show.tiles, show.balloons, show.burst), GROTESQUE),
    "Drama": Style((MIDNIGHT, PAPER, STEEL), (show.arches, show.steps, show.two_circles, show.dunes), BOOK),
    "IMAX": Style((STEEL, TEAL), (show.orbits, show.halftone), GROTESQUE),
}
PLAIN = Style((GRAPHITE, STEEL, PAPER), (show.arches, show.two_circles, show.halftone, show.dunes), BOOK)


class Look(NamedTuple):
    """One poster's: chosen for good by its movie."""

    palette: Palette
    compose: Compose
    face: Face


def look_of(genres: Collection[str], seed: int) -> Look:
    """Colours and face of one of the two most telling genres, the picture of any: akin, not alike."""
    told = [style for genre, style in STYLES.items() if genre in genres] or [PLAIN]
    main = told[:2][-1] if noise(seed, 100) < 0.4 else told[0]
    shows = told[int(noise(seed, 101) * len(told))].shows
    return Look(
        main.palettes[int(noise(seed, 102) * len(main.palettes))], shows[int(noise(seed, 103) * len(shows))], main.face
    )
