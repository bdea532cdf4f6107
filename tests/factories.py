"""Small tables and bundles for tests: the common case is one call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from movierec.bundles import companion
from movierec.bundles.bundle import publish_bundle
from movierec.candidates.ease import EASE
from movierec.candidates.ials import IALS, IALSParams
from movierec.candidates.popularity import Popularity
from movierec.candidates.transitions import Transitions
from movierec.candidates.trending import Trending
from movierec.catalog.catalog import build_catalogue
from movierec.catalog.clusters import ClusterParams, class_tfidf, cluster_movies
from movierec.catalog.similar_movies import SimilarityIndex, find_similar_by_factors
from movierec.data.interactions import Interactions
from movierec.data.schema import LINKS, MOVIES, RATINGS, TAGS
from movierec.data.splitting import ratings_at_cut, select_part, split_by_user
from movierec.features.content import build_content_vectors, tag_counts
from movierec.features.matrix import Features
from movierec.features.tables import compute_movie_features
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker, RankerParams
from movierec.recommender.retrieval import Retrieval
from movierec.recommender.training_rows import build_label_rows
from movierec.recommender.two_stage import Recommender

FIRST_RATED_AT = datetime(2001, 1, 1)  # noqa: DTZ001  rated_at is UTC without a zone
GENRES = (["Comedy"], ["Action", "Sci-Fi"])


def make_ratings(*rows: tuple[int, int, float]) -> pl.LazyFrame:
    """Ratings from rows of (user_id, movie_id, rating), each a day after the one before."""
    days = [FIRST_RATED_AT + timedelta(days=i) for i in range(len(rows))]
    users, movies, values = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"user_id": users, "movie_id": movies, "rating": values, "rated_at": days}
    return pl.LazyFrame(columns, schema=RATINGS)


def make_movies(n: int, titles: dict[int, str] | None = None) -> pl.LazyFrame:
    """Movies 1 to n; even ones are action, odd ones comedies."""
    ids = list(range(1, n + 1))
    names = [(titles or {}).get(i, f"Movie {i}") for i in ids]
    return pl.LazyFrame(
        {
            "movie_id": ids,
            "title": [f"{name} ({1980 + i % 30})" for i, name in zip(ids, names, strict=True)],
            "display_title": names,
            "year": [1980 + i % 30 for i in ids],
            "genres": [GENRES[i % 2 == 0] for i in ids],
        },
        schema=MOVIES,
    )


def make_tags(*rows: tuple[int, int, str]) -> pl.LazyFrame:
    """Tags from rows of (user_id, movie_id, tag), each a day after the one before."""
    days = [FIRST_RATED_AT + timedelta(days=i) for i in range(len(rows))]
    users, tagged, names = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"user_id": users, "movie_id": tagged, "tag": names, "tagged_at": days}
    return pl.LazyFrame(columns, schema=TAGS)


def make_checkerboard_ratings(n_users: int = 40, n_movies: int = 40) -> pl.LazyFrame:
    """Even users like even movies, odd users odd movies; each user's own number is left out.

    A model that has learned this recommends to a user the one movie of their parity that they have not rated.
    """
    rows = [
        (user, movie, 5.0 if movie % 3 else 4.0)
        for user in range(1, n_users + 1)
        for movie in range(1, n_movies + 1)
        if user % 2 == movie % 2 and user != movie
    ]
    return make_ratings(*rows)


def fit_recommender(ratings: pl.LazyFrame | None = None, n_movies: int = 40) -> Recommender:
    """A complete two-stage recommender, fitted on the checkerboard or on `ratings`."""
    rated = ratings if ratings is not None else make_checkerboard_ratings(n_movies=n_movies)
    catalogue_movies = make_movies(n_movies)
    split = split_by_user(rated)

    def fitted(cut: str) -> tuple[Retrieval, Features]:
        known = ratings_at_cut(split, cut)
        features = Features.from_ratings(known, catalogue_movies)
        interactions = Interactions.from_ratings(known)
        ials = IALS.fit(interactions, IALSParams(factors=4, iterations=5))
        others = {"ease": EASE.fit(interactions), "transitions": Transitions.fit(interactions)}
        return Retrieval({**others, "ials": ials}, interactions), features

    retrieval, features = fitted("history")
    rows = build_label_rows(retrieval, features, select_part(split, "labels"), n_candidates=10, max_users=100)
    ranker = Ranker.fit(rows, RankerParams(iterations=10, folds=2))
    retrieval, features = fitted("all")
    popular = PopularMovies.from_stats(Popularity.fit(retrieval.interactions).compute_movie_stats())
    return Recommender(retrieval, features, ranker, popular)


def publish_small_bundle(
    home: Path,
    version: str = "v1",
    *,
    n_movies: int = 40,
    titles: dict[int, str] | None = None,
    ratings: pl.LazyFrame | None = None,
    with_ranker: bool = True,
    **manifest: Any,
) -> Path:
    """Publishes a small bundle of the sample `full` under `home`; gives its folder.

    It is made from `ratings`, by default the checkerboard.
    """
    found = fit_recommender(ratings, n_movies=n_movies)
    if not with_ranker:
        found = replace(found, ranker=None)
    model, interactions = found.retrieval.models["ials"], found.interactions
    assert isinstance(model, IALS)
    # The last movie is one that nobody rated, the one before has neither year nor genres.
    table = make_movies(n_movies + 2, titles).with_columns(
        pl.when(pl.col("movie_id") == n_movies + 1).then(None).otherwise("year").alias("year"),
        pl.when(pl.col("movie_id") == n_movies + 1).then([]).otherwise("genres").alias("genres"),
    )
    links = pl.LazyFrame({"movie_id": [1], "imdb_id": [114709], "tmdb_id": [862]}, schema=LINKS)
    popularity = Popularity.fit(interactions)
    stats, n_ratings = popularity.compute_movie_stats(), popularity.n_ratings
    similar = find_similar_by_factors(interactions.movie_ids, model.item_factors, n_ratings, n=20, min_ratings=1)
    content = {
        "run_id": "0a1b2c3d-run",
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": {"name": "checkerboard", "description": "A made-up checkerboard", "version": "1"},
        "metrics": [{"model": "two_stage", "metric": "ndcg_at_10", "value": 0.5, "low": 0.4, "high": 0.6, "n": 40}],
    }
    return publish_bundle(
        home / "published" / "full",
        version,
        catalogue=build_catalogue(
            table, links, stats.lazy(), make_tags((1, 1, "Time Travel"), (1, 2, "heist"))
        ).collect(),
        recommender=found,
        similar=SimilarityIndex.from_table(similar),
        scores=pl.DataFrame({"user_id": [1], "ndcg_at_10": [0.5]}),
        trending=Trending.fit(interactions).list_top_movies(100),
        manifest=content | manifest,
    )


def make_checkerboard_tags(n_movies: int = 40) -> pl.LazyFrame:
    """Two users tag every even movie "Space"; one tags the first ten odd movies "funny"."""
    space = [(user, movie, "Space") for user in (1, 2) for movie in range(2, n_movies + 1, 2)]
    return make_tags(*space, *((1, movie, "funny") for movie in range(1, 20, 2)))


def publish_small_companion(
    home: Path,
    version: str = "c1",
    *,
    n_movies: int = 40,
    with_tags: bool = True,
    k: int = 2,
    stats: pl.DataFrame | None = None,
    **manifest: Any,
) -> Path:
    """Publishes the companion of the bundle of `publish_small_bundle`: action is one cluster, comedy the other.

    `stats` has the columns movie_id, n_ratings, mean_rating; by default those of the checkerboard.
    """
    table, given = (
        make_movies(n_movies + 2).collect(),
        (make_checkerboard_tags(n_movies) if with_tags else make_tags()).collect(),
    )
    rated = compute_movie_features(make_checkerboard_ratings(n_movies=n_movies), make_movies(n_movies + 2)).collect()
    if stats is None:
        stats = rated.select("movie_id", n_ratings="movie_num_ratings", mean_rating="movie_avg_rating")
    clusters = cluster_movies(build_content_vectors(table, given), rated, ClusterParams(k=k)).table
    return companion.publish_companion(
        home / "companion" / "full",
        version,
        clusters=clusters,
        cluster_tags=class_tfidf(clusters, tag_counts(given)),
        content=build_content_vectors(table, given),
        movies=table,
        tags=given,
        stats=stats,
        manifest={"run_id": "c0ffee-run", "published_at": datetime.now(UTC).isoformat()} | manifest,
    )


def publish_small_home(folder: Path) -> Path:
    """A home with one published bundle and its companion."""
    publish_small_bundle(folder)
    publish_small_companion(folder)
    return folder
