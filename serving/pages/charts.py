"""What somebody's ratings and watched movies add up to, and its pictures as SVG."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import NamedTuple

from movierec.catalog.catalog import Movie
from serving.community.opinions import STARS
from serving.i18n.languages import N_, Language

WIDTH, HEIGHT, BOTTOM, TOP = 640, 260, 34, 26
LEGEND, IN_A_LINE = 26, 3  # height of a line of the legend, and names in it
MOST_GENRES = 5
MOST_SPANS = 14
OTHERS = N_("others")
COLOURS = ("#ffc857", "#e2574c", "#4fa3e0", "#4fbf83", "#a67de0", "#59617a")


class Seen(NamedTuple):
    movie: Movie
    at: datetime
    rating: float | None


class Bars(NamedTuple):
    """`parts` are the heights of the stacked parts of each bar, one inner list per bar, in the order of `names`."""

    labels: list[str]
    names: list[str]
    parts: list[list[int]]

    @property
    def totals(self) -> list[int]:
        return [sum(parts) for parts in self.parts]


def ratings_histogram(seen: Sequence[Seen], language: Language) -> Bars:
    counts = Counter(each.rating for each in seen if each.rating is not None)
    return Bars([language.stars(stars) for stars in STARS], [""], [[counts[stars]] for stars in STARS])


def decades(seen: Sequence[Seen], _language: Language) -> Bars:
    """Every decade from the first to the last, those in between without a movie too."""
    counts = Counter(each.movie.year // 10 * 10 for each in seen if each.movie.year)
    span = range(min(counts, default=0), max(counts, default=-1) + 1, 10)
    return Bars([str(decade) for decade in span], [""], [[counts[decade]] for decade in span])


def genres_over_time(seen: Sequence[Seen], language: Language) -> Bars:
    """Movies by the first of the most watched genres that they have; by day, month or year, as the span asks, those
    in between without a movie too."""
    if not seen:
        return Bars([], [], [])
    days = [each.at.date() for each in seen]
    form, labels = spans(min(days), max(days))
    top = [name for name, _ in Counter(genre for each in seen for genre in each.movie.genres).most_common(MOST_GENRES)]
    counts = Counter((each.at.strftime(form), _main_genre(each.movie, top)) for each in seen)
    names = [*map(language.genre, top), language.translated(OTHERS)]
    return Bars(labels, names, [[counts[label, name] for name in [*top, ""]] for label in labels])


def spans(first: date, last: date) -> tuple[str, list[str]]:
    """How days, months or years are written, and the last ones up to `last`."""
    n_days = (last - first).days + 1
    form = "%d.%m." if n_days <= MOST_SPANS else "%Y-%m" if n_days < 400 else "%Y"
    written = ((first + timedelta(days=i)).strftime(form) for i in range(n_days))
    return form, list(dict.fromkeys(written))[-MOST_SPANS:]


PICTURES: dict[str, Callable[[Sequence[Seen], Language], Bars]] = {
    "ratings": ratings_histogram,
    "decades": decades,
    "genres": genres_over_time,
}


def svg(bars: Bars) -> str:
    """Bars from left to right, each with its number on top; colours of parts are explained below."""
    has_legend = len(bars.names) > 1
    height = HEIGHT + (LEGEND * -(-len(bars.names) // IN_A_LINE) if has_legend else 0)
    step = WIDTH / max(len(bars.labels), 1)
    width = min(step * 0.72, 72)
    unit = (HEIGHT - BOTTOM - TOP) / max([*bars.totals, 1])
    drawn = [_bar(i * step + step / 2, width, unit, parts) for i, parts in enumerate(bars.parts)]
    drawn += [_text(i * step + step / 2, HEIGHT - 12, label, "#aeb6c6") for i, label in enumerate(bars.labels)]
    legend = _legend(bars.names) if has_legend else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif" font-size="17">'
        f'<rect x="0" y="{HEIGHT - BOTTOM}" width="{WIDTH}" height="1" fill="#2b3040"/>{"".join(drawn)}{legend}</svg>'
    )


def _bar(middle: float, width: float, unit: float, parts: list[int]) -> str:
    top, drawn = float(HEIGHT - BOTTOM), []
    for part, colour in zip(parts, COLOURS, strict=False):
        top -= part * unit
        if part:
            drawn.append(
                f'<rect x="{middle - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{part * unit:.1f}" '
                f'rx="3" fill="{colour}"/>'
            )
    if sum(parts):
        drawn.append(_text(middle, top - 7, str(sum(parts)), "#f4f5f8"))
    return "".join(drawn)


def _text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="middle">{escape(words)}</text>'


def _legend(names: list[str]) -> str:
    step = WIDTH / IN_A_LINE
    places = [(i % IN_A_LINE * step, HEIGHT + 8 + LEGEND * (i // IN_A_LINE)) for i in range(len(names))]
    return "".join(
        f'<rect x="{x:.0f}" y="{y}" width="12" height="12" rx="3" fill="{colour}"/>'
        f'<text x="{x + 18:.0f}" y="{y + 11}" fill="#aeb6c6" font-size="15">{escape(name)}</text>'
        for (x, y), name, colour in zip(places, names, COLOURS, strict=False)
    )


def _main_genre(movie: Movie, top: list[str]) -> str:
    return next((genre for genre in top if genre in movie.genres), "")
