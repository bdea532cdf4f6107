import numpy as np
import polars as pl
import pytest

from movierec.data.interactions import Interactions
from movierec.features import tables
from movierec.features.matrix import Features
from movierec.features.names import BASE_FEATURES, MOVIE_FEATURES, TMDB_FEATURES, USER_FEATURES
from movierec.features.tables import add_tmdb_features, compute_movie_features, compute_user_features
from tests import factories


@pytest.fixture
def table():
    return factories.make_ratings((1, 1, 5.0), (1, 2, 3.0), (1, 3, 4.0), (2, 2, 2.0))


@pytest.fixture
def features(table):
    movies = factories.make_movies(4)
    return Features.from_ratings(table, movies)


def users_of(table):
    return compute_user_features(
        Interactions.from_ratings(table), compute_movie_features(table, factories.make_movies(4)).collect()
    )


def test_the_reference_set_is_whole():
    assert len(USER_FEATURES) == 7
    assert len(MOVIE_FEATURES) == 30
    assert len(set(BASE_FEATURES)) == len(BASE_FEATURES)


def test_user_features_by_hand(table):
    user = users_of(table).row(0, named=True)
    assert [user[name] for name in USER_FEATURES] == pytest.approx([4.0, 1.0, 3, 3.0, 5.0, 2.0, 1.0])
    assert user["share_genre_comedy"] == pytest.approx(2 / 3)
    assert user["liking_genre_comedy"] == pytest.approx((1.0 + 0.0) / (2 + 5))
    assert user["liking_genre_action"] == pytest.approx(-1.0 / (1 + 5))


def test_a_single_rating_has_no_spread_and_a_day_of_activity(table):
    user = users_of(table).row(1, named=True)
    assert (user["user_rating_std"], user["user_activity_days"], user["user_rating_velocity"]) == (0, 0, 1)


def test_movie_features_by_hand(table):
    movie = compute_movie_features(table, factories.make_movies(4)).collect().row(1, named=True)
    assert movie["movie_avg_rating"] == pytest.approx(2.5)
    assert movie["movie_popularity"] == pytest.approx(2.5 + np.log(3))
    assert (movie["movie_num_ratings"], movie["movie_num_users"]) == (2, 2)
    assert (movie["year"], movie["movie_age"], movie["decade"]) == (1982, 2001 - 1982, 1980)
    assert (movie["title_length"], movie["num_genres"]) == (len("Movie 2"), 2)
    assert (movie["genre_action"], movie["genre_sci_fi"], movie["genre_comedy"], movie["genre_none"]) == (1, 1, 0, 0)


def test_a_movie_nobody_rated_is_filled_by_rule(table):
    movie = compute_movie_features(table, factories.make_movies(4)).collect().row(3, named=True)
    assert movie["movie_avg_rating"] == pytest.approx(3.5)  # the mean of all ratings
    assert (movie["movie_rating_std"], movie["movie_num_ratings"], movie["movie_popularity"]) == (0, 0, 0)


def test_a_movie_without_a_year_has_no_age(table):
    movies = factories.make_movies(4).with_columns(pl.lit(None, pl.Int16).alias("year"))
    movie = compute_movie_features(table, movies).collect().row(0, named=True)
    assert (movie["year"], movie["movie_age"], movie["decade"]) == (None, None, None)


def test_a_row_of_the_matrix_is_user_movie_and_pair(features):
    matrix = features.build_matrix([2, 1], np.array([[1, 3], [4, 2]], np.int32))
    assert matrix.shape == (4, len(BASE_FEATURES))
    row = dict(zip(BASE_FEATURES, matrix[1].tolist(), strict=True))  # user 2, movie 3
    assert (row["user_avg_rating"], row["movie_avg_rating"], row["year"]) == (2.0, 4.0, 1983.0)
    assert row["age_for_user"] == pytest.approx(2001 - 1983, abs=0.1)
    assert row["era_gap"] == pytest.approx(1 / 365.25, rel=0.1)  # user 2 rated a day after movie 3 was rated
    row = dict(zip(BASE_FEATURES, matrix[2].tolist(), strict=True))  # user 1, movie 4, an action film
    assert row["genre_share"] == pytest.approx(1 / 3)
    assert row["genre_liking"] == pytest.approx(-1 / 6)
    usual_popularity = (2 * np.log(2) + np.log(3)) / 3  # movies 1 and 3 have one rating, movie 2 has two
    assert row["beyond_usual_popularity"] == pytest.approx(0 - usual_popularity)
    assert row["beyond_usual_year"] == row["beyond_usual_year_lately"] == pytest.approx(1984 - 1982)
    assert row["beyond_usual_rating"] == pytest.approx(14 / 4 - (5 + 2.5 + 4) / 3)  # nobody rated movie 4


def test_what_is_usual_lately_is_of_the_last_ratings_and_of_movies_with_a_year(table):
    many = pl.concat([table, factories.make_ratings(*((3, movie, 4.0) for movie in range(1, 31)))])
    years = pl.when(pl.col("movie_id") != 30).then("year")
    movies = factories.make_movies(31).with_columns(years.alias("year"))
    features = Features.from_ratings(many, movies)
    row = dict(zip(BASE_FEATURES, features.build_matrix([3], np.array([[31]], np.int32))[0].tolist(), strict=True))
    known = dict(movies.select("movie_id", "year").collect().iter_rows())
    assert row["beyond_usual_year"] == pytest.approx(known[31] - np.mean([known[at] for at in range(1, 30)]), abs=1e-3)
    assert row["beyond_usual_year_lately"] == pytest.approx(
        known[31] - np.mean([known[at] for at in range(11, 30)]), abs=1e-3
    )
    without = Features.from_ratings(many, movies.with_columns(pl.lit(None, pl.Int16).alias("year")))
    row = dict(zip(BASE_FEATURES, without.build_matrix([3], np.array([[31]], np.int32))[0].tolist(), strict=True))
    assert np.isnan(row["beyond_usual_year"])
    assert np.isfinite(row["beyond_usual_popularity"])


def test_users_are_known_alike_in_a_crowd_and_alone(monkeypatch):
    table = factories.make_checkerboard_ratings()
    monkeypatch.setattr(tables, "USERS_AT_ONCE", 7)
    features = Features.from_ratings(table, factories.make_movies(40))
    alone = features.fold_in(Interactions.from_ratings(table.filter(user_id=12)))
    asked = np.array([[12, 13]], np.int32)
    assert np.array_equal(features.build_matrix([12], asked), alone.build_matrix([12], asked))
    assert features.user_ids.tolist() == list(range(1, 41))


@pytest.fixture
def with_tmdb(table):
    """Features with those of TMDB, which knows all of movie 2, little of movie 3 and has never heard of the others."""
    known = {"movie_id": [3, 2], "runtime": [None, 136], "budget": [None, 999], "original_language": ["fr", "en"]}
    movies = add_tmdb_features(factories.make_movies(4), pl.LazyFrame(known))
    return Features.from_ratings(table, movies)


def test_what_tmdb_knows_stands_behind_the_movies_own_features(features, with_tmdb):
    asked = [1, 2], np.array([[1, 2], [3, 4]], np.int32)
    table = pl.DataFrame(with_tmdb.build_matrix(*asked), schema=list(with_tmdb.feature_names), orient="row")
    assert with_tmdb.feature_names[:37] == BASE_FEATURES[:37]
    assert with_tmdb.feature_names[37:40] == TMDB_FEATURES
    nan = np.nan
    facts = [[nan, nan, nan], [136, np.log(1000), 1], [nan, nan, 0], [nan, nan, nan]]
    assert np.allclose(table.select(TMDB_FEATURES), facts, equal_nan=True)
    assert np.array_equal(table.drop(TMDB_FEATURES), features.build_matrix(*asked), equal_nan=True)
    assert features.feature_names == BASE_FEATURES


def test_what_tmdb_knows_is_folded_in_saved_and_loaded_with_the_rest(with_tmdb, tmp_path):
    with_tmdb.save(tmp_path)
    loaded = Features.load(tmp_path)
    assert loaded.feature_names == with_tmdb.feature_names
    people = loaded.fold_in(Interactions.from_ratings(factories.make_ratings((7, 2, 4.0))))
    assert people.feature_names == with_tmdb.feature_names
    asked = np.array([[2]], np.int32)
    assert people.build_matrix([7], asked)[0, 37:40].tolist() == with_tmdb.build_matrix([1], asked)[0, 37:40].tolist()


def test_ids_without_features_are_refused(features):
    with pytest.raises(KeyError, match=r"no features for movie \[77\]"):
        features.build_matrix([1], np.array([[77]], np.int32))


def test_what_was_saved_is_what_is_loaded(features, tmp_path):
    features.save(tmp_path)
    loaded = Features.load(tmp_path)
    arguments = ([1], np.array([[4, 2]], np.int32))
    assert np.array_equal(features.build_matrix(*arguments), loaded.build_matrix(*arguments), equal_nan=True)
