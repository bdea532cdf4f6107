"""Polars expressions that parse MovieLens titles and genres: year, display title, list of genres."""

import polars as pl

GENRES = (
    "Action",
    "Adventure",
    "Animation",
    "Children",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "IMAX",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
NO_GENRES = "(no genres listed)"

# "(1997)", "(1975-1979)" and "(1997– )" at the end of a title; films begin in the 1870s.
_YEAR_PATTERN = r"\s*\(((?:18[7-9]|19\d|20\d)\d)(?:\s*[-–—]\s*(?:\d{4})?)?\s*\)\s*$"

# Capitals only: "Bite the Bullet, the" does not occur, ", Die" as a verb hardly.
_ARTICLE_PATTERN = (
    "The|An?|Le|La|Les|Une?|El|Los|Las|Un[ao]|Lo|Il|I|Gli|Der|Die|Das|Den|Det|De|Het|Eine?|En|Ett|Os?|As?"
)
_ELIDED_ARTICLE_PATTERN = "L['’]|Gl['’]|Un['’]|D['’]"


def parse_year(title: pl.Expr) -> pl.Expr:
    """The year in brackets at the end of a title as Int16; the first year of a range; null without one."""
    return title.str.extract(_YEAR_PATTERN, 1).cast(pl.Int16)


def parse_display_title(title: pl.Expr) -> pl.Expr:
    """The title without its year, with the article in front: "Matrix, The (1999)" becomes "The Matrix".

    A translation or "a.k.a." in brackets stays, with its own article in front.
    """
    name = title.str.replace(_YEAR_PATTERN, "").str.strip_chars()
    name = pl.when(name == "").then(title.str.strip_chars()).otherwise(name)
    for articles, gap in ((_ELIDED_ARTICLE_PATTERN, ""), (_ARTICLE_PATTERN, " ")):
        name = name.str.replace(rf"^(.+?), ({articles})( \(.*)?$", f"${{2}}{gap}${{1}}${{3}}")
        name = name.str.replace_all(rf"\((a\.k\.a\. )?([^()]+), ({articles})\)", f"(${{1}}${{3}}{gap}${{2}})")
    return name


def parse_genres(genres: pl.Expr) -> pl.Expr:
    """The genres between the bars as a list, in their order; an empty list where none is listed."""
    names = genres.replace(NO_GENRES, "").fill_null("").str.split("|")
    return names.list.eval(pl.element().filter(pl.element() != ""))
