"""Windows of a back-test: moments that are the same for everybody, and what people rated in the time after each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self
from zlib import crc32

import polars as pl

from movierec.data.sampling import MAX_USERS_PER_SEGMENT, hash_to_fraction
from movierec.data.schema import WINDOW_COLUMNS
from movierec.data.splitting import PAIR_KEY

INTERVALS = ("1y", "1q", "1mo", "1w", "1d")  # as polars writes them, the longest first
MIN_INTERVALS = 6  # of which the data must have so many
MAX_WINDOWS = 16
MIN_KNOWN_SHARE = 0.05  # of all ratings, before the first cut
MIN_COVERED_SHARE = 0.5  # of the time of the last window

MIN_RETURNING_RATINGS = 5
N_GIVEN = (1, 3, 5, 10, 20)
USERS_DRAW = 5
TIES_DRAW = 6

# Returning users are known by what they rated before the cut. Newcomers first rate in the window: by the first half of
# what they rate there, or by the first k ratings, or (cold) by nothing; cold_movies are the movies of newcomers that
# nobody had rated before the cut.
RETURNING, NEWCOMERS, COLD_USERS, COLD_MOVIES = "returning", "newcomers", "cold", "cold_movies"
GIVEN_SEGMENTS = {f"given_{k}": k for k in N_GIVEN}
SEGMENTS = (RETURNING, NEWCOMERS, *GIVEN_SEGMENTS, COLD_USERS, COLD_MOVIES)
# Both kinds of people to whom the site recommends by what they rated. What is chosen is chosen by their mean.
RATER_SEGMENTS = (RETURNING, NEWCOMERS)
RATERS = "raters"


class Window(NamedTuple):
    """What is rated before `cut` is known; what is rated from then until before `end` is asked."""

    cut: datetime
    end: datetime

    @property
    def name(self) -> str:
        return f"{self.cut:%Y-%m-%d}"


class Cases(NamedTuple):
    """Who is asked about in a window, by segment.

    `given` is `segment, user_id, movie_id, rating, rated_at`: what newcomers are known by; returning users have no rows
    there. `asked` has the same columns: what the users then rated. A user may stand in several
    segments.
    """

    given: pl.DataFrame
    asked: pl.DataFrame

    def take(self, segment: str) -> Self:
        """One segment alone, without its name."""
        return type(self)(*(table.filter(segment=segment).drop("segment") for table in self))


def choose_windows(
    ratings: pl.LazyFrame, *, interval: str | None = None, max_windows: int = MAX_WINDOWS
) -> list[Window]:
    """The last `max_windows` windows of `ratings`, oldest first, each as long as `interval`, from calendar cuts.

    Without `interval` it is the longest of INTERVALS that the ratings span MIN_INTERVALS times. Before the first cut
    lie MIN_KNOWN_SHARE of the ratings at least. The last window may still be open: it is taken from MIN_COVERED_SHARE
    of its time on. Empty if the ratings span too little time.
    """
    first, last, n_ratings = (
        ratings.select(first=pl.col("rated_at").min(), last=pl.col("rated_at").max(), n=pl.len()).collect().row(0)
    )
    chosen = interval or (first and _choose_interval(first, last))
    if not chosen:
        return []
    cut = pl.col("cut")
    calendar = pl.select(
        cut=pl.datetime_range(pl.lit(first).dt.truncate(chosen), pl.lit(last), chosen, time_unit="ms")
    ).with_columns(end=cut.dt.offset_by(chosen))
    is_covered = pl.lit(last) - cut >= (pl.col("end") - cut) * MIN_COVERED_SHARE
    times = ratings.select("rated_at").sort("rated_at").collect()["rated_at"]
    is_known = times.search_sorted(calendar["cut"]) >= MIN_KNOWN_SHARE * n_ratings
    kept = calendar.filter(is_covered & is_known).tail(max_windows)
    return [Window(*row) for row in kept.iter_rows()]


def _choose_interval(first: datetime, last: datetime) -> str | None:
    """The longest of INTERVALS that lies MIN_INTERVALS times between two moments."""
    for interval in INTERVALS:
        n_intervals = pl.select(pl.datetime_range(pl.lit(first), pl.lit(last), interval).len()).item() - 1
        if n_intervals >= MIN_INTERVALS:
            return interval
    return None


def ratings_before_cut(ratings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """The ratings that are known at the cut of a window."""
    return ratings.filter(pl.col("rated_at") < window.cut)


def compute_fingerprints(ratings: pl.LazyFrame, windows: Sequence[Window], *, recipe: str = "") -> list[int]:
    """For each window a number that changes with the ratings before its end, in whatever order they come, and with the
    `recipe`: a description of what is computed from them."""
    hashed = pl.struct("user_id", "movie_id", "rating", "rated_at").hash(seed=crc32(recipe.encode()))
    sums = [hashed.filter(pl.col("rated_at") < window.end).sum().alias(window.name) for window in windows]
    return list(ratings.select(sums).collect(engine="streaming").row(0)) if sums else []


def select_current_windows(table: pl.LazyFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `table` that were made in one of `windows` from the ratings as they are now.

    Both have WINDOW_COLUMNS; the fingerprint is left out of the result.
    """
    marks = windows.lazy().select(*WINDOW_COLUMNS)
    return table.join(marks, on=list(WINDOW_COLUMNS), how="semi").drop("fingerprint").collect()


def select_cases(ratings: pl.LazyFrame, window: Window, *, max_users: int = MAX_USERS_PER_SEGMENT) -> Cases:
    """Whom a window asks about: of returning users and of newcomers a fixed draw of `max_users` by id.

    Users with 1 to 4 ratings before the cut are in no segment. Ratings of one moment are ordered by lot, the same every
    time.
    """
    before = ratings_before_cut(ratings, window)
    inside = (
        ratings.filter(pl.col("rated_at").is_between(window.cut, window.end, closed="left"))
        .join(before.group_by("user_id").agg(n_before=pl.len()), on="user_id", how="left")
        .with_columns(pl.col("n_before").fill_null(0))
        .collect(engine="streaming")
    )
    returning = _draw_users(inside.filter(pl.col("n_before") >= MIN_RETURNING_RATINGS), max_users)
    new = _draw_users(inside.filter(pl.col("n_before") == 0), max_users)
    new = new.sort("user_id", "rated_at", hash_to_fraction(PAIR_KEY, draw=TIES_DRAW)).with_columns(
        number=pl.int_range(pl.len()).over("user_id"), total=pl.len().over("user_id")
    )
    n_given = {NEWCOMERS: pl.col("total") // 2} | {name: pl.lit(k) for name, k in GIVEN_SEGMENTS.items()}
    given, asked = [], [_of_segment(RETURNING, returning), _of_segment(COLD_USERS, new)]
    for segment, n in n_given.items():
        enough = new.filter((n >= 1) & (pl.col("total") > n))
        given.append(_of_segment(segment, enough.filter(pl.col("number") < n)))
        asked.append(_of_segment(segment, enough.filter(pl.col("number") >= n)))
    tables = pl.concat(asked)
    rated = before.select("movie_id").unique().collect(engine="streaming")
    unrated = tables.filter(segment=NEWCOMERS).join(rated, on="movie_id", how="anti")
    return Cases(pl.concat(given), pl.concat([tables, _of_segment(COLD_MOVIES, unrated)]))


def _of_segment(segment: str, ratings: pl.DataFrame) -> pl.DataFrame:
    return ratings.select(pl.lit(segment).alias("segment"), "user_id", "movie_id", "rating", "rated_at")


def _draw_users(ratings: pl.DataFrame, max_users: int) -> pl.DataFrame:
    """The ratings of a fixed draw of users by id."""
    users = ratings.select(pl.col("user_id").unique()).sort(
        hash_to_fraction(pl.col("user_id"), draw=USERS_DRAW), "user_id"
    )
    return ratings.join(users.head(max_users), on="user_id", how="semi")
