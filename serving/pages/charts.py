"""Statistics of a profile's ratings and watched movies, and their bar charts as SVG."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import NamedTuple

from movierec.catalog.catalog import Movie
from serving.community.opinions import RATING_STEPS
from serving.i18n.languages import N_, Language

WIDTH, HEIGHT, BOTTOM_MARGIN, TOP_MARGIN = 640, 260, 34, 26
LEGEND_LINE_HEIGHT, NAMES_PER_LINE = 26, 3  # height of a line of the legend, and names in it
MAX_CHART_GENRES = 5
MAX_TIME_SPANS = 14
OTHER_GENRES = N_("others")
BAR_COLOURS = ("#ffc857", "#e2574c", "#4fa3e0", "#4fbf83", "#a67de0", "#59617a")


class ChartedMovie(NamedTuple):
    """A watched or rated movie with its time, and its rating if there is one."""

    movie: Movie
    watched_at: datetime
    rating: float | None


class BarChart(NamedTuple):
    """A stacked bar chart. `parts` has one list for each bar: its heights in the order of `names`."""

    labels: list[str]
    names: list[str]
    parts: list[list[int]]

    @property
    def totals(self) -> list[int]:
        """The height of each bar."""
        return [sum(parts) for parts in self.parts]


def count_by_rating(seen: Sequence[ChartedMovie], language: Language) -> BarChart:
    """The number of movies for each rating from 0.5 to 5."""
    counts = Counter(each.rating for each in seen if each.rating is not None)
    return BarChart(
        [language.stars(stars) for stars in RATING_STEPS], [""], [[counts[stars]] for stars in RATING_STEPS]
    )


def count_by_decade(seen: Sequence[ChartedMovie], _language: Language) -> BarChart:
    """The number of movies for each decade from the first to the last, empty decades included."""
    counts = Counter(each.movie.year // 10 * 10 for each in seen if each.movie.year)
    span = range(min(counts, default=0), max(counts, default=-1) + 1, 10)
    return BarChart([str(decade) for decade in span], [""], [[counts[decade]] for decade in span])


def count_genres_over_time(seen: Sequence[ChartedMovie], language: Language) -> BarChart:
    """The number of movies by genre, grouped by day, month or year, depending on the range.

    A movie counts for the most frequent of its genres. Empty groups between two dates are included.
    """
    if not seen:
        return BarChart([], [], [])
    days = [each.watched_at.date() for each in seen]
    form, labels = list_time_spans(min(days), max(days))
    top = [
        name for name, _ in Counter(genre for each in seen for genre in each.movie.genres).most_common(MAX_CHART_GENRES)
    ]
    counts = Counter((each.watched_at.strftime(form), _find_main_genre(each.movie, top)) for each in seen)
    names = [*map(language.genre, top), language.translated(OTHER_GENRES)]
    return BarChart(labels, names, [[counts[label, name] for name in [*top, ""]] for label in labels])


def list_time_spans(first: date, last: date) -> tuple[str, list[str]]:
    """The strftime format of the groups (day, month or year), and the labels of the last groups up to `last`."""
    n_days = (last - first).days + 1
    form = "%d.%m." if n_days <= MAX_TIME_SPANS else "%Y-%m" if n_days < 400 else "%Y"
    written = ((first + timedelta(days=i)).strftime(form) for i in range(n_days))
    return form, list(dict.fromkeys(written))[-MAX_TIME_SPANS:]


CHARTS: dict[str, Callable[[Sequence[ChartedMovie], Language], BarChart]] = {
    "ratings": count_by_rating,
    "decades": count_by_decade,
    "genres": count_genres_over_time,
}


def draw_chart(bars: BarChart) -> str:
    """The chart as an SVG document: each bar with its total on top, a legend below if the bars have several parts."""
    has_legend = len(bars.names) > 1
    height = HEIGHT + (LEGEND_LINE_HEIGHT * -(-len(bars.names) // NAMES_PER_LINE) if has_legend else 0)
    step = WIDTH / max(len(bars.labels), 1)
    width = min(step * 0.72, 72)
    unit = (HEIGHT - BOTTOM_MARGIN - TOP_MARGIN) / max([*bars.totals, 1])
    drawn = [_draw_bar(i * step + step / 2, width, unit, parts) for i, parts in enumerate(bars.parts)]
    drawn += [_draw_text(i * step + step / 2, HEIGHT - 12, label, "#aeb6c6") for i, label in enumerate(bars.labels)]
    legend = _draw_legend(bars.names) if has_legend else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif" font-size="17">'
        f'<rect x="0" y="{HEIGHT - BOTTOM_MARGIN}" width="{WIDTH}" height="1" fill="#2b3040"/>'
        f"{''.join(drawn)}{legend}</svg>"
    )


def _draw_bar(middle: float, width: float, unit: float, parts: list[int]) -> str:
    top, drawn = float(HEIGHT - BOTTOM_MARGIN), []
    for part, colour in zip(parts, BAR_COLOURS, strict=False):
        top -= part * unit
        if part:
            drawn.append(
                f'<rect x="{middle - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{part * unit:.1f}" '
                f'rx="3" fill="{colour}"/>'
            )
    if sum(parts):
        drawn.append(_draw_text(middle, top - 7, str(sum(parts)), "#f4f5f8"))
    return "".join(drawn)


def _draw_text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="middle">{escape(words)}</text>'


def _draw_legend(names: list[str]) -> str:
    step = WIDTH / NAMES_PER_LINE
    places = [
        (i % NAMES_PER_LINE * step, HEIGHT + 8 + LEGEND_LINE_HEIGHT * (i // NAMES_PER_LINE)) for i in range(len(names))
    ]
    return "".join(
        f'<rect x="{x:.0f}" y="{y}" width="12" height="12" rx="3" fill="{colour}"/>'
        f'<text x="{x + 18:.0f}" y="{y + 11}" fill="#aeb6c6" font-size="15">{escape(name)}</text>'
        for (x, y), name, colour in zip(places, names, BAR_COLOURS, strict=False)
    )


def _find_main_genre(movie: Movie, top: list[str]) -> str:
    return next((genre for genre in top if genre in movie.genres), "")
