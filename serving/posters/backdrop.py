"""The picture behind the home page, a wall of drawn posters: `python -m serving.posters.backdrop` writes it again."""

from serving.posters import motifs as show
from serving.posters.motifs import Inks
from serving.posters.styles import STYLES, Palette
from serving.web.static_files import STATIC_FOLDER

BACKDROP_FILE = STATIC_FOLDER / "backdrop.svg"
N_COLUMNS, N_ROWS = 10, 5
WIDTH, HEIGHT, GAP = 170, 255, 22
# Those that need no clipping: many stand in one document, and a clip has a name.
MOTIFS = (
    show.low_sun,
    show.nested_arches,
    show.ray_burst,
    show.lone_light,
    show.quarter_tiles,
    show.mountain_peaks,
    show.circle_tunnel,
    show.floating_balloons,
    show.lit_steps,
    show.sand_dunes,
    show.pointed_teeth,
    show.arrow_chevrons,
)


def draw_backdrop() -> str:
    """The picture as an SVG document with an aspect ratio of 16:9."""
    palettes = list(dict.fromkeys(palette for style in STYLES.values() for palette in style.palettes))
    sheets = [
        draw_sheet(column, row, palettes[(7 * column + 5 * row) % len(palettes)])
        for column in range(N_COLUMNS)
        for row in range(N_ROWS)
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 900" width="1600" height="900" '
        'preserveAspectRatio="xMidYMid slice">\n<rect width="1600" height="900" fill="#0b0c11"/>\n'
        f'<g transform="rotate(-8 800 450) translate(-140 -190)">\n{"".join(sheets)}</g>\n'
        '<rect width="1600" height="900" fill="#0b0c11" opacity=".46"/>\n</svg>\n'
    )


def draw_sheet(column: int, row: int, palette: Palette) -> str:
    """One poster without text; every other column is shifted down by half a poster."""
    x, y = column * (WIDTH + GAP), row * (HEIGHT + GAP) + (HEIGHT // 2 if column % 2 else 0)
    seed = 10 * column + row
    picture = MOTIFS[(5 * column + 3 * row) % len(MOTIFS)](seed, Inks(*palette[:4]))
    return (
        f'<svg x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 400 400" '
        f'preserveAspectRatio="xMidYMid slice"><rect x="-400" y="-400" width="1200" height="1200" '
        f'fill="{palette.ground}"/>{picture}</svg>\n'
    )


if __name__ == "__main__":
    BACKDROP_FILE.write_text(draw_backdrop())
