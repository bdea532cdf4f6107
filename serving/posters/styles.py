"""The styles of drawn posters: for each genre its palettes, motifs and typeface."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from serving.posters import motifs as show
from serving.posters.motifs import Inks
from serving.posters.svg import seeded_noise

DrawMotif = Callable[[int, Inks], str]


class Palette(NamedTuple):
    """Ground, three inks and the colour of the title, which has a contrast of at least 4.5:1 to the ground."""

    ground: str
    first: str
    second: str
    third: str
    words: str


class Typeface(NamedTuple):
    """The typeface of a title."""

    family: str
    weight: int
    is_uppercase: bool


SANS_FONTS = "'Helvetica Neue',Helvetica,Arial,'Liberation Sans',system-ui,sans-serif"
SERIF_FONTS = "Georgia,'Iowan Old Style','Times New Roman','Liberation Serif',serif"
GROTESQUE_FACE = Typeface(SANS_FONTS, 800, is_uppercase=False)
POSTER_FACE = Typeface(SANS_FONTS, 800, is_uppercase=True)
BOOK_FACE = Typeface(SERIF_FONTS, 700, is_uppercase=False)

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


BOTTOM_ANCHORED = {
    show.lone_light,
    show.lit_steps,
    show.low_sun,
    show.mountain_peaks,
    show.sand_dunes,
}  # cut off at the top where it must be


class Style(NamedTuple):
    """The palettes, motifs and the typeface that posters of a genre choose from."""

    palettes: tuple[Palette, ...]
    motifs: tuple[DrawMotif, ...]
    face: Typeface


# The telling genres before the common ones.
STYLES = {
    "Film-Noir": Style((NOIR, GRAPHITE), (show.lone_light, show.slatted_blinds, show.lit_steps), BOOK_FACE),
    "Western": Style((SAND, BRICK, MUSTARD), (show.low_sun, show.sand_dunes, show.mountain_peaks), BOOK_FACE),
    "Horror": Style((BLOOD, NOIR), (show.pointed_teeth, show.great_eye, show.circle_tunnel), POSTER_FACE),
    "Musical": Style((PLUM, CORAL, VIOLET), (show.ray_burst, show.halftone_dots, show.nested_arches), GROTESQUE_FACE),
    "War": Style((OLIVE, BRICK, GRAPHITE), (show.arrow_chevrons, show.low_sun, show.mountain_peaks), POSTER_FACE),
    "Animation": Style(
        (SKY, MINT, CORAL), (show.floating_balloons, show.quarter_tiles, show.wave_scales), GROTESQUE_FACE
    ),
    "Documentary": Style((PAPER, STEEL), (show.halftone_dots, show.great_eye, show.quarter_tiles), GROTESQUE_FACE),
    "Sci-Fi": Style(
        (MIDNIGHT, VIOLET, TEAL), (show.planet_orbits, show.circle_tunnel, show.halftone_dots), POSTER_FACE
    ),
    "Mystery": Style((TEAL, PLUM, GRAPHITE), (show.great_eye, show.lone_light, show.circle_tunnel), BOOK_FACE),
    "Fantasy": Style((VIOLET, FOREST, PLUM), (show.wave_scales, show.nested_arches, show.planet_orbits), BOOK_FACE),
    "Children": Style(
        (MINT, SKY, MUSTARD), (show.quarter_tiles, show.floating_balloons, show.nested_arches), GROTESQUE_FACE
    ),
    "Crime": Style((BRICK, NOIR, STEEL), (show.slatted_blinds, show.lit_steps, show.lone_light), POSTER_FACE),
    "Romance": Style((ROSE, PLUM, BRICK), (show.two_circles, show.sand_dunes, show.nested_arches), BOOK_FACE),
    "Thriller": Style((TEAL, GRAPHITE, BLOOD), (show.circle_tunnel, show.slatted_blinds, show.lit_steps), POSTER_FACE),
    "Adventure": Style((FOREST, TEAL, SAND), (show.mountain_peaks, show.wave_scales, show.low_sun), GROTESQUE_FACE),
    "Action": Style((BRICK, MIDNIGHT, CORAL), (show.ray_burst, show.arrow_chevrons, show.halftone_dots), POSTER_FACE),
    "Comedy": Style(
        (MUSTARD, PAPER, CORAL), (show.quarter_tiles, show.floating_balloons, show.ray_burst), GROTESQUE_FACE
    ),
    "Drama": Style(
        (MIDNIGHT, PAPER, STEEL), (show.nested_arches, show.lit_steps, show.two_circles, show.sand_dunes), BOOK_FACE
    ),
    "IMAX": Style((STEEL, TEAL), (show.planet_orbits, show.halftone_dots), GROTESQUE_FACE),
}
DEFAULT_STYLE = Style(
    (GRAPHITE, STEEL, PAPER), (show.nested_arches, show.two_circles, show.halftone_dots, show.sand_dunes), BOOK_FACE
)


class PosterLook(NamedTuple):
    """Palette, motif and typeface of one poster."""

    palette: Palette
    draw_motif: DrawMotif
    face: Typeface


def choose_look(genres: Collection[str], seed: int) -> PosterLook:
    """Chooses the look of a poster from `seed`: the same seed always gives the same look.

    Palette and typeface come from one of the two most specific genres, the motif from any genre.
    """
    told = [style for genre, style in STYLES.items() if genre in genres] or [DEFAULT_STYLE]
    main = told[:2][-1] if seeded_noise(seed, 100) < 0.4 else told[0]
    shows = told[int(seeded_noise(seed, 101) * len(told))].motifs
    return PosterLook(
        main.palettes[int(seeded_noise(seed, 102) * len(main.palettes))],
        shows[int(seeded_noise(seed, 103) * len(shows))],
        main.face,
    )
