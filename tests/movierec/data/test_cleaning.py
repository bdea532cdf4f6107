"""What cleaning drops, names and keeps, on tables solved by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from movierec.data import cleaning, movielens
from movierec.data.cleaning import CleanedTable
from movierec.data.schema import LINKS, MOVIES, RATINGS, RAW_MOVIES, TAGS, Schema
from resources.sources.csv_tables import read_table
from tests.resources.sources.test_csv_tables import DATA

KNOWN = pl.LazyFrame({"movie_id": [10, 11, 12]}, schema={"movie_id": pl.Int32})


def at(day: int) -> datetime:
    return datetime(2020, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - UTC, as the schema says


def table(schema: Schema, *rows: tuple[object, ...]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=dict(schema), orient="row")


def test_movies_are_parsed_and_come_in_order() -> None:
    raw = table(RAW_MOVIES, (2, "Matrix, The (1999)", "Action|Sci-Fi"), (1, "Babylon 5", "(no genres listed)"))
    cleaned = cleaning.clean_movies(raw)
    assert cleaned.frame.collect_schema() == MOVIES
    assert cleaned.frame.collect().rows() == [
        (1, "Babylon 5", "Babylon 5", None, []),
        (2, "Matrix, The (1999)", "The Matrix", 1999, ["Action", "Sci-Fi"]),
    ]


def test_of_two_movies_with_one_id_the_first_stays() -> None:
    cleaned = cleaning.clean_movies(table(RAW_MOVIES, (1, "First", ""), (2, "b", ""), (1, "Second", "")))
    assert cleaned.frame.collect()["title"].to_list() == ["First", "b"]
    assert cleaned.counts == {
        "rows_read": 3,
        "duplicate_movies_dropped": 1,
        "untitled_movies_named": 0,
        "rows_kept": 2,
    }


def test_two_movies_with_one_title_both_stay() -> None:
    cleaned = cleaning.clean_movies(table(RAW_MOVIES, (1, "Emma (1996)", ""), (2, "Emma (1996)", "")))
    assert cleaned.frame.collect().height == 2


@pytest.mark.parametrize("title", [None, "", "  "])
def test_a_movie_without_a_title_is_called_by_its_number(title: str | None) -> None:
    cleaned = cleaning.clean_movies(table(RAW_MOVIES, (108583, title, "Comedy")))
    assert cleaned.frame.select("title", "display_title", "year").collect().row(0) == (
        "Movie 108583",
        "Movie 108583",
        None,
    )
    assert cleaned.counts["untitled_movies_named"] == 1


def test_the_latest_rating_of_a_movie_stays_and_all_come_by_user_and_time() -> None:
    raw = table(
        RATINGS,
        (2, 10, 5.0, at(1)),
        (1, 11, 4.0, at(3)),
        (1, 10, 3.0, at(2)),  # given again later, and further up in the file
        (1, 12, 2.5, at(3)),
        (1, 10, 1.0, at(0)),
        (1, 99, 1.0, at(0)),  # nobody knows movie 99
    )
    cleaned = cleaning.clean_ratings(raw, KNOWN)
    assert cleaned.frame.collect_schema() == RATINGS
    assert cleaned.frame.collect().rows() == [
        (1, 10, 3.0, at(2)),
        (1, 11, 4.0, at(3)),
        (1, 12, 2.5, at(3)),
        (2, 10, 5.0, at(1)),
    ]
    assert cleaned.counts == {
        "rows_read": 6,
        "unknown_movies_dropped": 1,
        "duplicate_ratings_dropped": 1,
        "rows_kept": 4,
    }


def test_of_two_ratings_at_one_moment_the_one_further_down_stays() -> None:
    raw = table(RATINGS, (1, 10, 4.0, at(0)), (1, 10, 2.0, at(0)), (1, 10, 3.0, at(0)))
    assert cleaning.clean_ratings(raw, KNOWN).frame.collect()["rating"].to_list() == [3.0]


def test_rows_at_one_moment_stay_in_the_order_of_the_file_however_many() -> None:
    rows = [(user, 10, stars, at(0)) for stars in (1.0, 2.0, 3.0) for user in range(50_000)]
    assert set(cleaning.clean_ratings(table(RATINGS, *rows), KNOWN).frame.collect()["rating"]) == {3.0}


def test_a_tag_stays_once_at_its_latest() -> None:
    raw = table(
        TAGS,
        (1, 10, "slow", at(2)),
        (1, 10, "funny", at(1)),
        (1, 10, "funny", at(0)),
        (1, 11, "funny", at(0)),
        (2, 10, "funny", at(0)),
        (2, 99, "funny", at(0)),
    )
    cleaned = cleaning.clean_tags(raw, KNOWN)
    assert cleaned.frame.collect_schema() == TAGS
    assert cleaned.frame.collect().rows() == [
        (1, 11, "funny", at(0)),
        (1, 10, "funny", at(1)),
        (1, 10, "slow", at(2)),
        (2, 10, "funny", at(0)),
    ]
    assert cleaned.counts == {
        "rows_read": 6,
        "unknown_movies_dropped": 1,
        "duplicate_tags_dropped": 1,
        "rows_kept": 4,
    }


def test_links_are_one_row_for_a_known_movie() -> None:
    cleaned = cleaning.clean_links(table(LINKS, (12, 5, None), (10, 1, 2), (10, 3, 4), (99, 1, 1)), KNOWN)
    assert cleaned.frame.collect_schema() == LINKS
    assert cleaned.frame.collect().rows() == [(10, 1, 2), (12, 5, None)]
    assert cleaned.counts == {
        "rows_read": 4,
        "unknown_movies_dropped": 1,
        "duplicate_links_dropped": 1,
        "rows_kept": 2,
    }


@pytest.mark.parametrize(
    ("clean", "schema"),
    [(cleaning.clean_ratings, RATINGS), (cleaning.clean_tags, TAGS), (cleaning.clean_links, LINKS)],
)
def test_an_empty_table_stays_empty(
    clean: Callable[[pl.LazyFrame, pl.LazyFrame], CleanedTable], schema: Schema
) -> None:
    cleaned = clean(table(schema), KNOWN)
    assert cleaned.frame.collect_schema() == schema
    assert cleaned.frame.collect().height == 0


def test_a_table_cleaned_twice_is_the_same() -> None:
    raw = table(RATINGS, (2, 10, 5.0, at(1)), (1, 10, 4.0, at(3)), (1, 10, 3.0, at(2)))
    once = cleaning.clean_ratings(raw, KNOWN).frame
    assert_frame_equal(cleaning.clean_ratings(once, KNOWN).frame, once)


def test_standardized_ratings_are_deviations_from_the_users_mean() -> None:
    ratings = table(RATINGS, (1, 10, 1.0, at(0)), (2, 10, 4.0, at(0)), (1, 11, 3.0, at(1)), (1, 12, 5.0, at(2)))
    found = cleaning.standardize_ratings(ratings).collect()
    assert found.columns == [*RATINGS, "standardized_rating"]
    assert found.schema["standardized_rating"] == pl.Float32
    step = (3 / 2) ** 0.5  # mean 3, variance ((-2)^2 + 0 + 2^2) / 3
    assert found["standardized_rating"].to_list() == pytest.approx([-step, 0.0, 0.0, step])


def test_standardized_ratings_keep_their_order() -> None:
    ratings = table(RATINGS, *((user, movie, 4.0, at(0)) for movie in range(20) for user in range(10_000, 0, -1)))
    found = cleaning.standardize_ratings(ratings).collect(engine="streaming")
    assert_frame_equal(found.select(*RATINGS), ratings.collect())


def test_ratings_that_are_all_the_same_are_standardized_to_zero() -> None:
    ratings = table(RATINGS, *((1, movie, 3.7, at(0)) for movie in range(100)))
    assert cleaning.standardize_ratings(ratings).collect()["standardized_rating"].to_list() == [0.0] * 100


@pytest.fixture(scope="module")
def real() -> Path:
    folder = DATA / "ml-latest-small"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: point MOVIEREC_TEST_DATA to a folder with ml-latest-small")
    return folder


def test_nothing_of_the_real_files_is_lost(real: Path) -> None:
    known = cleaning.clean_movies(read_table(real, "movies", "full").frame)
    assert known.counts["rows_kept"] == 9_742
    for clean, name, kept in (
        (cleaning.clean_ratings, "ratings", 100_836),
        (cleaning.clean_tags, "tags", 3_683),
        (cleaning.clean_links, "links", 9_742),
    ):
        counts = clean(read_table(real, name, "full").frame, known.frame).counts
        assert (counts["rows_read"], counts["rows_kept"]) == (kept, kept)


def test_the_real_movies_are_parsed(real: Path) -> None:
    found = cleaning.clean_movies(read_table(real, "movies", "full").frame).frame.collect()
    assert found["year"].null_count() == 12
    assert (found["year"].min(), found["year"].max()) == (1902, 2018)
    assert found.filter(pl.col("title").is_duplicated())["title"].n_unique() == 5
    assert set(found["genres"].explode(empty_as_null=True).drop_nulls()) == set(movielens.GENRES)
    assert found.filter(pl.col("display_title").str.contains(r", (The|An?|L[ae]s?|El|Il|Der|L')( \(|\)|$)")).height == 0
