import numpy as np
import polars as pl
import pytest

from movierec.catalog.similar_movies import (
    FACTOR_COSINE,
    GENRE_JACCARD,
    NOT_AVAILABLE,
    SimilarityIndex,
    find_similar_by_factors,
    find_similar_by_genres,
)

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
