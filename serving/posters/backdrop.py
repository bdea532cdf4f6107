"""The picture behind the home page, a wall of drawn posters: `python -m serving.posters.backdrop` draws it anew."""

from serving.posters import motifs as show
from serving.posters.motifs import Inks
from serving.posters.styles import STYLES, Palette
from serving.web.static_files import STATIC

TARGET = STATIC / "backdrop.svg"
COLUMNS, ROWS = 10, 5
WIDTH, HEIGHT, GAP = 170, 255, 22
# Those that need no clipping: many stand in one document, and a clip has a name.
SHOWN = (
    show.low_sun,
    show.arches,
    show.burst,
    show.lone_light,
    show.tiles,
    show.peaks,
    show.tunnel,
    show.balloons,
    show.steps,
    show.dunes,
    show.teeth,
    show.chevrons,
)


def wall() -> str:
    """As an SVG document, 16:9."""
    palettes = list(dict.fromkeys(palette for style in STYLES.values() for palette in style.palettes))
    sheets = [
        sheet(column, row, palettes[(7 * column + 5 * row) % len(palettes)])
        for column in range(COLUMNS)
        for row in range(ROWS)
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 900" width="1600" height="900" '
        'preserveAspectRatio="xMidYMid slice">\n<rect width="1600" height="900" fill="#0b0c11"/>\n'
        f'<g transform="rotate(-8 800 450) translate(-140 -190)">\n{"".join(sheets)}</g>\n'
        '<rect width="1600" height="900" fill="#0b0c11" opacity=".46"/>\n</svg>\n'
    )


def sheet(column: int, row: int, palette: Palette) -> str:
    """One poster without words, in every other column half a step lower."""
    x, y = column * (WIDTH + GAP), row * (HEIGHT + GAP) + (HEIGHT // 2 if column % 2 else 0)
    seed = 10 * column + row
    picture = SHOWN[(5 * column + 3 * row) % len(SHOWN)](seed, Inks(*palette[:4]))
    return (
        f'<svg x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 400 400" '
        f'preserveAspectRatio="xMidYMid slice"><rect x="-400" y="-400" width="1200" height="1200" '
        f'fill="{palette.ground}"/>{picture}</svg>\n'
    )


if __name__ == "__main__":
    TARGET.write_text(wall())
