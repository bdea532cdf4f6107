from datetime import datetime

import numpy as np
import polars as pl
import pytest

from movierec.data.schema import MOVIES, TAGS
from movierec.features.content import build_content_vectors, compute_tag_weights


def movies(*rows):
    """`(movie_id, year, genres)`, the genres with bars between them."""
    return pl.DataFrame(
        [(i, f"M{i}", f"M{i}", year, genres.split("|") if genres else []) for i, year, genres in rows],
        schema=MOVIES,
        orient="row",
    )


def tags(*rows):
    """`(user_id, movie_id, tag)`."""
    return pl.DataFrame([(*row, datetime(2001, 1, 1)) for row in rows], schema=TAGS, orient="row")  # noqa: DTZ001


def cosine(content, one, other):
    vectors = content.vectors.toarray()
    return vectors[list(content.movie_ids).index(one)] @ vectors[list(content.movie_ids).index(other)]


def test_rows_are_movies_by_id_of_length_one_and_an_unknown_movie_is_empty():
    content = build_content_vectors(movies((7, 1999, "Drama"), (3, None, ""), (5, None, "Drama|War")), tags())
    assert content.movie_ids.tolist() == [3, 5, 7]
    assert content.movie_ids.dtype == np.int32
    assert content.vectors.dtype == np.float32
    assert np.linalg.norm(content.vectors.toarray(), axis=1) == pytest.approx([0, 1, 1])


def test_a_rare_genre_in_common_is_worth_more_than_a_frequent_one():
    table = movies((1, None, "Drama|War"), (2, None, "War"), (3, None, "Drama"), (4, None, "Drama"))
    content = build_content_vectors(table, tags())
    assert cosine(content, 1, 2) > cosine(content, 1, 3) > 0


def test_years_on_both_sides_of_a_decades_edge_are_neighbours():
    content = build_content_vectors(movies((1, 1989, ""), (2, 1990, ""), (3, 1999, ""), (4, 2010, "")), tags())
    assert cosine(content, 1, 2) > cosine(content, 2, 3) > cosine(content, 2, 4) == 0


def test_the_same_word_is_one_whatever_its_case_and_counts_people_once():
    given = tags((1, 1, "Pixar"), (1, 1, " pixar"), (2, 2, "pixar"), (3, 2, "PIXAR"), (1, 3, "noir"))
    found = compute_tag_weights(np.array([1, 2, 3], np.int32), given)
    assert found.tags == ["pixar"]
    idf = np.log(3 / 2) + 1
    assert found.weights.toarray().ravel() == pytest.approx([idf, idf * (1 + np.log(2)), 0])


def test_tags_of_movies_that_are_not_there_have_no_part():
    assert compute_tag_weights(np.array([1], np.int32), tags((1, 1, "a"), (1, 2, "a"))).weights.nnz == 0


def test_a_movie_without_tags_is_found_by_its_genres_and_one_with_them_by_both():
    table = movies((1, 2000, "Drama"), (2, 2000, "Drama"), (3, 2000, "Comedy"), (4, 2000, "Drama"))
    content = build_content_vectors(
        table, tags((1, 1, "sad"), (1, 2, "sad"), (1, 3, "sad"), (1, 4, "slow"), (1, 3, "slow"))
    )
    assert cosine(content, 1, 2) == pytest.approx(1)
    assert content.find_nearest(1, n=2)[0].tolist() == [2, 4]
    untagged = build_content_vectors(table, tags())
    assert untagged.find_nearest(1, n=9)[0].tolist() == [2, 4, 3]


def test_the_nearest_come_in_order_without_the_movie_itself():
    content = build_content_vectors(movies(*((i, 1980 + i, "Drama") for i in range(1, 30))), tags())
    ids, scores = content.find_nearest(10, n=4)
    assert sorted(ids.tolist()) == [8, 9, 11, 12]
    assert scores.tolist() == sorted(scores, reverse=True)


def test_an_unknown_movie_and_one_without_anything_have_no_neighbours():
    content = build_content_vectors(movies((1, None, ""), (2, 2000, "War")), tags())
    for movie_id in (1, 99):
        ids, scores = content.find_nearest(movie_id, n=5)
        assert (ids.tolist(), scores.tolist()) == ([], [])


def test_equal_neighbours_stand_by_id():
    content = build_content_vectors(movies(*((i, 2000, "War") for i in (9, 4, 7, 1))), tags())
    assert content.find_nearest(7, n=3)[0].tolist() == [1, 4, 9]
