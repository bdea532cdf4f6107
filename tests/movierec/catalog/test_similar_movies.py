import numpy as np
import polars as pl
import pytest

from movierec.catalog.similar_movies import (
    FACTOR_COSINE,
    GENRE_JACCARD,
    NOT_AVAILABLE,
    TASTE_AND_CONTENT,
    SimilarityIndex,
    find_similar_by_factors,
    find_similar_by_genres,
    find_similar_by_taste,
)
from movierec.data.interactions import Interactions
from tests import factories

IDS = np.array([10, 20, 30, 40], np.int32)
FACTORS = np.array([[1, 0], [2, 0.1], [0, 3], [-1, 0]], np.float32)


@pytest.fixture
def index():
    counts = np.array([9, 9, 9, 1])
    factors = find_similar_by_factors(IDS, FACTORS, counts, n=2, min_ratings=5)
    movies = pl.DataFrame(
        {"movie_id": [10, 20, 30, 40, 50], "genres": [["A"], ["A", "B"], ["B"], ["A", "B"], []]},
        schema={"movie_id": pl.Int32, "genres": pl.List(pl.String)},
    )
    popularity = pl.DataFrame({"movie_id": IDS, "n_ratings": counts})
    return SimilarityIndex.from_table(
        pl.concat([factors, find_similar_by_genres(movies, np.array([40, 50], np.int32), popularity, n=3)])
    )


def test_nearest_by_cosine_whatever_the_length(index):
    found = index.find_similar_movies(10, n=5)
    assert found.model == FACTOR_COSINE
    assert found.movie_ids == [20]  # 30 stands at a right angle, 40 has too few ratings
    assert found.scores == pytest.approx([2 / np.hypot(2, 0.1)])


def test_a_movie_with_few_ratings_is_matched_by_genres(index):
    found = index.find_similar_movies(40, n=5)
    assert found.model == GENRE_JACCARD
    assert found.movie_ids == [20, 10, 30]
    assert found.scores == pytest.approx([1, 0.5, 0.5])


def test_a_movie_with_neither_has_no_similar_ones(index):
    assert index.find_similar_movies(50, n=5) == (NOT_AVAILABLE, [], [])
    assert index.find_similar_movies(12345, n=5) == (NOT_AVAILABLE, [], [])


def test_no_more_than_asked_for(index):
    assert index.find_similar_movies(40, n=1).movie_ids == [20]


def test_what_was_saved_is_in_the_exchange_format_and_answers_the_same(index, tmp_path):
    index.save(tmp_path)
    table = pl.read_parquet(tmp_path / "similar.parquet")
    assert table.schema["movieId"] == pl.Int64
    assert table.schema["similar_ids"] == pl.List(pl.Int64)
    assert table.schema["similarity_scores"] == pl.List(pl.Float32)
    loaded = SimilarityIndex.load(tmp_path)
    for movie in (10, 20, 30, 40, 50):
        assert loaded.find_similar_movies(movie, n=5) == index.find_similar_movies(movie, n=5)


@pytest.fixture
def board():
    """Even users rate even movies, odd users odd ones; movies 2 and 4 are a series, movie 6 is an odd one out."""
    interactions = Interactions.from_ratings(factories.make_checkerboard_ratings(20, 20))
    titles = {2: "Saga, The", 4: "Saga 2"}
    movies = factories.make_movies(20, titles).collect()
    other = movies.with_columns(
        genres=pl.when(pl.col("movie_id") == 6).then(pl.lit(["Horror"], pl.List(pl.String))).otherwise("genres")
    )
    factors = np.ones((20, 2), np.float32)  # say nothing
    return interactions, factors, other


def test_neighbours_are_rated_by_the_same_people_and_the_series_comes_first(board):
    table = find_similar_by_taste(*board, n=19, min_ratings=5)
    assert set(table["model"]) == {TASTE_AND_CONTENT}
    index = SimilarityIndex.from_table(table)
    found = index.find_similar_movies(2, n=19)
    assert found.movie_ids[0] == 4
    assert set(found.movie_ids) == {4, 6, *range(8, 21, 2)}  # those of the other colour score below the mean
    assert found.movie_ids[-1] == 6  # by the same people, of another genre
    assert found.scores == sorted(found.scores, reverse=True)


def test_titles_alone_make_no_series(board):
    """Movies 2 and 3 begin alike, but nobody rates both."""
    interactions, factors, movies = board
    renamed = movies.with_columns(title=pl.col("title").str.replace("Movie 3 ", "Saga 3 "))
    index = SimilarityIndex.from_table(find_similar_by_taste(interactions, factors, renamed, n=19, min_ratings=5))
    assert 3 not in index.find_similar_movies(2, n=19).movie_ids


def test_movies_with_few_ratings_are_neither_described_nor_neighbours(board):
    assert find_similar_by_taste(*board, n=5, min_ratings=50).is_empty()
