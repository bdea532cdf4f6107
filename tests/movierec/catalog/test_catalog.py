import numpy as np
import polars as pl
import pytest

from movierec.catalog.catalog import PRIOR_RATINGS, Catalogue, build_catalogue, compute_shrunk_means
from movierec.data.schema import LINKS
from tests import factories


@pytest.fixture(scope="module")
def catalog():
    stats = pl.LazyFrame(
        {
            "movie_id": [1, 2, 3],
            "popularity": [5.0, 7.0, None],
            "mean_rating": [3.0, 4.0, 5.0],
            "n_ratings": [9, 8, 1],
        },
        schema_overrides={"movie_id": pl.Int32},
    )
    links = pl.LazyFrame({"movie_id": [1], "imdb_id": [7], "tmdb_id": [None]}, schema=LINKS)
    tags = factories.make_tags((1, 2, " Time Travel "), (2, 2, "time travel"), (1, 2, "heist"), (1, 2, "x" * 41))
    return Catalogue.from_table(
        build_catalogue(factories.make_movies(5, {4: "Zebra", 5: "Aardvark"}), links, stats, tags).collect()
    )


def test_popular_first_then_rated_then_by_title(catalog):
    assert [movie.movie_id for movie in catalog.movies] == [2, 1, 3, 5, 4]


def test_every_movie_is_there_once_and_by_id(catalog):
    assert len(catalog.by_id) == len(catalog.movies) == 5
    movie = catalog.by_id[1]
    assert (movie.title, movie.year, movie.genres) == ("Movie 1", 1981, ("Comedy",))
    assert (movie.imdb_id, movie.tmdb_id) == (7, None)
    assert (catalog.by_id[4].n_ratings, catalog.by_id[4].mean_rating) == (0, None)


def test_popular_movies_are_those_with_a_popularity(catalog):
    assert catalog.n_popular == 2
    assert [movie.movie_id for movie in catalog.list_popular(limit=10)] == [2, 1]
    assert [movie.movie_id for movie in catalog.list_popular(limit=10, offset=1)] == [1]
    assert list(catalog.list_popular(limit=10, offset=99)) == []


def test_pages_hold_the_whole_catalogue(catalog):
    pages = [catalog.get_page(number, size=2) for number in (1, 2, 3)]
    assert [movie for page in pages for movie in page] == list(catalog.movies)
    assert list(catalog.get_page(4, size=2)) == []


def test_a_movie_has_the_tags_that_most_people_gave_it_in_lower_case(catalog):
    assert catalog.by_id[2].tags == ("time travel", "heist")
    assert catalog.by_id[1].tags == ()


def test_a_shrunk_mean_is_halfway_to_the_mean_of_all_ratings_at_the_strength_of_the_prior():
    n = np.array([PRIOR_RATINGS, 75.0, 0.0])
    means = np.array([5.0, 3.0, np.nan])
    shrunk = compute_shrunk_means(means, n)
    assert shrunk[:2] == pytest.approx([(5.0 + 3.5) / 2, (25 * 3.5 + 75 * 3.0) / 100])  # 3.5: the mean of all 100
    assert np.isnan(shrunk[2])
    assert np.isnan(compute_shrunk_means(means[2:], n[2:])).all()


def test_the_order_does_not_depend_on_the_order_of_the_tables():
    movies = factories.make_movies(40).with_columns(display_title=pl.lit("Same"))
    stats = movies.select("movie_id", popularity=pl.lit(2.0), mean_rating=pl.lit(4.0), n_ratings=pl.lit(7))
    links, tags = pl.LazyFrame(schema=LINKS), factories.make_tags()
    shuffled = movies.collect().sample(fraction=1.0, shuffle=True, seed=3).lazy()
    assert build_catalogue(shuffled, links, stats.reverse(), tags).collect()["movie_id"].to_list() == list(range(1, 41))
