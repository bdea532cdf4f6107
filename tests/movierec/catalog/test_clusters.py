import numpy as np
import polars as pl
import pytest

from movierec.catalog.clusters import ClusterParams, class_tfidf, cluster_movies, genre_counts
from movierec.data.schema import TAGS
from movierec.features.content import build_content_vectors
from tests import factories

NO_TAGS = pl.DataFrame(schema=TAGS)


def rated(n, count=10):
    return pl.DataFrame(
        {"movie_id": range(1, n + 1), "movie_avg_rating": [3.5] * n, "movie_num_ratings": [count] * n},
        schema={"movie_id": pl.Int32, "movie_avg_rating": pl.Float64, "movie_num_ratings": pl.UInt32},
    )


def of_one_year(n):
    return factories.make_movies(n).with_columns(year=pl.lit(2000, pl.Int16)).collect()


def clusters_of(movies, **params):
    return cluster_movies(build_content_vectors(movies, NO_TAGS), rated(len(movies)), ClusterParams(**params))


def assigned(*clusters):
    """Movie 1 in the first of `clusters`, and so on."""
    return pl.DataFrame(
        {"movie_id": range(1, len(clusters) + 1), "cluster": clusters},
        schema={"movie_id": pl.Int32, "cluster": pl.Int16},
    )


def words(*rows):
    return pl.DataFrame(rows, schema={"movie_id": pl.Int32, "tag": pl.String, "n_people": pl.UInt32}, orient="row")


def test_two_kinds_of_movies_are_two_clusters_and_the_larger_is_number_0():
    movies = of_one_year(21)  # 11 comedies, 10 of action
    found = clusters_of(movies, k=2)
    assert found.table["cluster"].to_list() == [i % 2 for i in range(21)]
    assert found.silhouette == pytest.approx(1, abs=1e-3)
    assert found.silhouettes == pytest.approx({0: 1, 1: 1}, abs=1e-3)
    assert len(found.table.unique(["x", "y"])) == 2


def test_of_equally_large_clusters_the_one_with_the_lowest_id_comes_first():
    for seed in range(5):
        assert clusters_of(of_one_year(20), k=2, seed=seed).table["cluster"].to_list() == [0, 1] * 10


def test_the_same_movies_in_any_order_give_the_same_clusters():
    movies = factories.make_movies(200).collect()
    assert clusters_of(movies).table.equals(clusters_of(movies.sample(fraction=1, shuffle=True, seed=3)).table)


def test_there_are_no_more_clusters_than_different_movies():
    found = clusters_of(of_one_year(9), k=10)
    assert found.table["cluster"].n_unique() == 2
    alone = clusters_of(of_one_year(1), k=10)
    assert (alone.table["cluster"].to_list(), alone.silhouette, alone.silhouettes) == ([0], None, {})


def test_movies_about_which_nothing_is_known_have_a_cluster():
    movies = of_one_year(6).with_columns(year=pl.lit(None, pl.Int16), genres=pl.lit([], pl.List(pl.String)))
    content = build_content_vectors(pl.concat([movies, of_one_year(12).tail(6)]), NO_TAGS)
    table = cluster_movies(content, rated(3), ClusterParams(k=3)).table
    assert table["cluster"].null_count() == 0
    assert len(table) == 12


def test_ratings_part_movies_that_are_about_the_same():
    movies = of_one_year(20).with_columns(genres=pl.lit(["War"]))
    some = rated(20).with_columns(movie_num_ratings=pl.when(pl.col("movie_id") > 12).then(9_000).otherwise(2))
    found = cluster_movies(build_content_vectors(movies, NO_TAGS), some, ClusterParams(k=2))
    assert found.table["cluster"].to_list() == [0] * 12 + [1] * 8


def test_factors_part_movies_only_when_they_have_a_weight():
    movies = of_one_year(20).with_columns(genres=pl.lit(["War"]))
    half = np.arange(1, 21) > 12
    factors = (np.arange(1, 21, dtype=np.int32), np.where(half[:, None], [[0.0, 2.0]], [[3.0, 0.0]]).astype(np.float32))
    content = build_content_vectors(movies, NO_TAGS)
    with_them = cluster_movies(content, rated(20), ClusterParams(k=2, factor_weight=0.5), factors=factors).table
    assert with_them["cluster"].to_list() == half.astype(int).tolist()
    assert cluster_movies(content, rated(20), ClusterParams(k=2), factors=factors).table["cluster"].n_unique() == 1


def test_many_tags_are_brought_to_few_dimensions_and_stay_deterministic():
    movies = of_one_year(60)
    given = [(user, movie, f"tag {movie % 2} {user}") for user in range(40) for movie in range(1, 61)]
    tags = pl.DataFrame(given, schema=["user_id", "movie_id", "tag"], orient="row")
    content = build_content_vectors(movies, tags)
    assert content.vectors.shape[1] > 80
    first, second = (cluster_movies(content, rated(60), ClusterParams(k=2)).table for _ in range(2))
    assert first.equals(second)
    assert first["cluster"].to_list() == [0, 1] * 30


def test_words_stand_by_how_much_they_mark_their_cluster():
    found = class_tfidf(
        assigned(0, 0, 1),
        words((1, "space", 5), (2, "space", 3), (1, "long", 8), (3, "long", 8), (3, "sad", 2), (1, "alien", 1)),
    )
    assert found.filter(cluster=0).select("tag", "rank", "n_people", "n_movies").rows() == [
        ("space", 1, 8, 2),
        ("alien", 2, 1, 1),
    ]
    assert found.filter(cluster=1)["tag"].to_list() == ["long", "sad"]


def test_the_score_of_a_word_is_the_class_based_tf_idf():
    found = class_tfidf(assigned(0, 1), words((1, "space", 3), (1, "long", 1), (2, "long", 2)))
    (score,) = found.filter(tag="space")["score"]
    assert score == pytest.approx(3 / 4 * np.log1p(((4 + 2) / 2) / 3))


def test_a_word_that_is_rarer_here_than_everywhere_does_not_mark_the_cluster():
    found = class_tfidf(assigned(0, 1), words((1, "space", 9), (1, "long", 1), (2, "long", 9)))
    assert found.filter(cluster=0)["tag"].to_list() == ["space"]


def test_equal_words_stand_by_name_and_only_so_many_come():
    found = class_tfidf(assigned(0), words((1, "b", 1), (1, "c", 1), (1, "a", 1)), n=2)
    assert found["tag"].to_list() == ["a", "b"]


@pytest.mark.parametrize("n", range(1, 100))
def test_one_cluster_is_marked_by_all_of_its_words(n):
    """Each is as frequent here as everywhere, whatever fractions make of 1 / n * n."""
    assert class_tfidf(assigned(0), words(*((1, f"tag {i}", 1) for i in range(n))), n=n).height == n


def test_without_words_there_are_none():
    assert class_tfidf(assigned(0, 1), words()).rows() == []


def test_genres_are_words_too():
    found = class_tfidf(assigned(0, 1, 0), genre_counts(factories.make_movies(3).collect()))
    assert found.select("cluster", "tag").rows() == [(0, "Comedy"), (1, "Action"), (1, "Sci-Fi")]
