"""The wide table: one row per rating, whatever the other tables hold."""

from datetime import datetime

import polars as pl
from polars.testing import assert_frame_equal

from movierec.data.cleaning import join_tables
from movierec.data.schema import LINKS, MOVIES, RATINGS, TAGS

DAY, LATER = datetime(2020, 1, 1), datetime(2020, 1, 2)  # noqa: DTZ001 - UTC, as the schema says
RATED = pl.LazyFrame([(1, 10, 4.0, DAY), (1, 11, 3.0, DAY), (2, 10, 5.0, DAY)], schema=dict(RATINGS), orient="row")
KNOWN = pl.LazyFrame(
    [(10, "Matrix, The (1999)", "The Matrix", 1999, ["Action"]), (11, "Babylon 5", "Babylon 5", None, [])],
    schema=dict(MOVIES),
    orient="row",
)
TAGGED = pl.LazyFrame(
    [(1, 10, "late", LATER), (1, 10, "early", DAY), (2, 11, "not rated", DAY)],
    schema=dict(TAGS),
    orient="row",
)
LINKED = pl.LazyFrame([(10, 133093, 603)], schema=dict(LINKS), orient="row")


def test_each_rating_has_its_movie_its_tags_and_its_links() -> None:
    wide = join_tables(RATED, KNOWN, TAGGED, LINKED)
    assert wide.sort("user_id", "movie_id").collect().rows() == [
        (1, 10, 4.0, DAY, "Matrix, The (1999)", "The Matrix", 1999, ["Action"], ["early", "late"], 133093, 603),
        (1, 11, 3.0, DAY, "Babylon 5", "Babylon 5", None, [], [], None, None),
        (2, 10, 5.0, DAY, "Matrix, The (1999)", "The Matrix", 1999, ["Action"], [], 133093, 603),
    ]


def test_the_columns_stay_when_tags_and_links_are_empty() -> None:
    with_all = join_tables(RATED, KNOWN, TAGGED, LINKED)
    without = join_tables(RATED, KNOWN, TAGGED.clear(), LINKED.clear())
    assert without.collect_schema() == with_all.collect_schema()
    assert without.select(pl.col("tags").list.len().sum(), pl.col("tmdb_id").count()).collect().row(0) == (0, 0)


def test_the_streaming_engine_gives_the_same_rows() -> None:
    wide = join_tables(RATED, KNOWN, TAGGED, LINKED)
    assert_frame_equal(wide.collect(engine="streaming"), wide.collect(engine="in-memory"), check_row_order=False)
