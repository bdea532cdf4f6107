"""What lists of recommendations are like beside being right: how popular, and how close to a user's genres."""

import polars as pl

LIST_LENGTH = 10
SMOOTHING = 0.01  # of the list's genres with those of the profile, so that a genre that is missing costs no infinity
LIST = ("segment", "model", "user_id")
PROFILE = ("segment", "user_id")


def measure_lists(
    rankings: pl.DataFrame, profiles: pl.DataFrame, popularity: pl.DataFrame, movies: pl.DataFrame
) -> pl.DataFrame:
    """`segment, model, user_id, popularity_lift, genre_divergence` of the first LIST_LENGTH places of each list.

    `rankings` is `segment, model, user_id, movie_id, rank`, `profiles` is `segment, user_id, movie_id`: what a user is
    known by; users without a profile are left out. `popularity` is `movie_id, n_ratings`, `movies` is
    `movie_id, genres`.

    `popularity_lift` is (mean number of ratings of the movies in the list) / (the same of the profile) - 1
    (Abdollahpouri, Mansoury, Burke, Mobasher 2020). `genre_divergence` is the Kullback-Leibler divergence of the list's
    genres from those of the profile, in nats, 0 if they are alike (Steck 2018, "Calibrated recommendations"); null
    where either has no genres.
    """
    lists = rankings.filter(pl.col("rank") <= LIST_LENGTH).join(profiles, on=PROFILE, how="semi")
    of_list = _compute_mean_popularity(lists, popularity, LIST)
    of_profile = _compute_mean_popularity(profiles, popularity, PROFILE)
    lift = of_list.join(of_profile, on=PROFILE, suffix="_of_profile").select(
        *LIST, popularity_lift=pl.col("n_ratings") / pl.col("n_ratings_of_profile") - 1
    )
    wanted = _compute_genre_shares(profiles, movies, PROFILE)
    found = _compute_genre_shares(lists, movies, LIST)
    # Every genre of the profile, also those that the list lacks.
    expected = found.select(LIST).unique().join(wanted, on=PROFILE)
    both = expected.join(found, on=[*LIST, "genre"], how="left", suffix="_of_list").with_columns(
        pl.col("share_of_list").fill_null(0)
    )
    mixed = (1 - SMOOTHING) * pl.col("share_of_list") + SMOOTHING * pl.col("share")
    divergence = both.group_by(LIST).agg(genre_divergence=(pl.col("share") * (pl.col("share") / mixed).log()).sum())
    return lift.join(divergence, on=LIST, how="left").sort(LIST)


def _compute_mean_popularity(table: pl.DataFrame, popularity: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Movies that nobody has rated count as 0."""
    counted = table.join(popularity, on="movie_id", how="left")
    return counted.group_by(by).agg(pl.col("n_ratings").fill_null(0).mean())


def _compute_genre_shares(table: pl.DataFrame, movies: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """`*by, genre, share`: a movie counts 1, split evenly over its genres."""
    with_genres = table.join(movies.select("movie_id", "genres"), on="movie_id").filter(pl.col("genres").list.len() > 0)
    weights = with_genres.with_columns(weight=1 / pl.col("genres").list.len()).explode("genres", empty_as_null=False)
    sums = weights.rename({"genres": "genre"}).group_by(*by, "genre").agg(share=pl.col("weight").sum())
    return sums.with_columns(pl.col("share") / pl.col("share").sum().over(by))
