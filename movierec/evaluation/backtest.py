"""A back-test: every model at the cut of each window, measured on what people rated in the window, pooled.

A case is a user in a window. A user who rates in several windows is several cases, which depend on each other: they are
drawn together by the bootstrap.
"""

from collections.abc import Sequence

import polars as pl

from movierec.data.schema import CANDIDATES, COMPARED, MEASURED, RELEVANT
from movierec.data.windows import (
    COLD_MOVIES,
    COLD_USERS,
    NEWCOMERS,
    RATER_SEGMENTS,
    RATERS,
    RETURNING,
    SEGMENTS,
    Cases,
    Window,
    ratings_before_cut,
    select_cases,
    select_current_windows,
)
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap_columns, bootstrap_mean
from movierec.evaluation.evaluated_models import EvaluatedModel
from movierec.evaluation.evaluation import FLOORS
from movierec.evaluation.list_properties import PROFILE, measure_lists

METRIC = "ndcg_at_10"
CASE = ("window", "segment", "user_id")
PLACES = 1_000  # of which the distinct movies are counted
SCORES = {
    "window": pl.String,
    "segment": pl.String,
    "user_id": pl.Int32,
    "model": pl.String,
    **{f"{name}_at_{k}": pl.Float64 for k in metrics.KS for name in ("ndcg", "recall", "precision", "map", "mrr")},
}
PROPERTY_NAMES = ("popularity_lift", "genre_divergence")
LIST_PROPERTIES = {
    "window": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "user_id": pl.Int32,
    **dict.fromkeys(PROPERTY_NAMES, pl.Float64),
}
RECENT_POPULARITY = "recent_popularity"


def select_relevant_movies(cases: Cases) -> pl.DataFrame:
    """`segment, user_id, movie_id`: what the users of a window then liked, the pairs that should be found."""
    return cases.asked.filter(pl.col("rating") >= RELEVANT).select("segment", "user_id", "movie_id")


def rank_cases(model: EvaluatedModel, cases: Cases, relevant: pl.DataFrame, *, n: int) -> pl.DataFrame:
    """`segment, user_id, movie_id, score, rank`: the `n` best movies of each user of `relevant` by one model.

    Segments that the model cannot answer have no rows.
    """
    tables = {}
    for segment in SEGMENTS:
        users = relevant.filter(segment=segment)["user_id"].unique().sort().to_numpy()
        given = cases.given.filter(segment=NEWCOMERS if segment == COLD_MOVIES else segment).drop("segment").lazy()
        if not len(users):
            continue
        if segment == RETURNING:
            tables[segment] = model.rank_known_users(users, n)
        elif segment == COLD_USERS:
            if model.rank_cold_users is not None:
                tables[segment] = model.rank_cold_users(users, n)
        elif segment == COLD_MOVIES:
            if model.rank_cold_movies is not None:
                tables[segment] = model.rank_cold_movies(users, n, given)
        else:
            tables[segment] = model.rank_folded_in_users(users, n, given)
    if not tables:
        return pl.DataFrame(schema={**CANDIDATES, "segment": pl.String})
    return pl.concat([table.with_columns(segment=pl.lit(name)) for name, table in tables.items()])


def score_windows(windows: pl.DataFrame, rankings: pl.LazyFrame, relevant: pl.LazyFrame) -> pl.DataFrame:
    """`score_cases` of those of `windows` that are measured, from the stored tables of all windows.

    Empty if neither a returning user nor a newcomer is among the cases: then there is nothing to choose by.
    """
    found = select_current_windows(rankings, windows)
    if found.is_empty():
        return pl.DataFrame(schema=SCORES)
    measured = windows.filter(pl.col("window").is_in(found["window"].unique().implode()))
    scores = score_cases(found, select_current_windows(relevant, measured))
    return scores if scores["segment"].is_in(RATER_SEGMENTS).any() else scores.clear()


def score_cases(rankings: pl.DataFrame, relevant: pl.DataFrame) -> pl.DataFrame:
    """`window, segment, user_id, model` and the metrics of each case by each model, all models on the same cases.

    `rankings` is `window, segment, model, user_id, movie_id, rank`, `relevant` is `window, segment, user_id, movie_id`.
    Of a segment there are rows of the models that can answer it, of the windows in which they were fitted. A case
    without a ranking scores 0.
    """
    cases = relevant.select(CASE).unique().sort(CASE).with_row_index("case")
    wanted = _by_case(relevant, cases)
    parts = []
    for (segment, model), found in rankings.group_by("segment", "model", maintain_order=True):
        measured = found["window"].unique().implode()
        of_segment = cases.filter(pl.col("segment") == segment, pl.col("window").is_in(measured))
        scores = metrics.compute_user_metrics(
            _by_case(found, of_segment), wanted.filter(pl.col("user_id").is_in(of_segment["case"].implode()))
        )
        table = of_segment.join(scores.rename({"user_id": "case"}), on="case", maintain_order="left")
        parts.append(table.with_columns(model=pl.lit(str(model))).select(*SCORES))
    return pl.concat(parts)


def _by_case(table: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """`table` with the number of the case in place of its user."""
    return table.join(cases, on=CASE).drop(CASE).rename({"case": "user_id"})


def add_raters(scores: pl.DataFrame) -> pl.DataFrame:
    """`scores` and below them the cases of returning users and newcomers together, as the segment RATERS."""
    raters = scores.filter(pl.col("segment").is_in(RATER_SEGMENTS)).with_columns(segment=pl.lit(RATERS))
    return pl.concat([raters, scores])


def summarize_scores(scores: pl.DataFrame, rankings: pl.DataFrame, properties: pl.DataFrame) -> pl.DataFrame:
    """`segment, model, metric, value, low, high, n`: means over the cases of all windows, with intervals over users.

    `properties` is made by `measure_list_properties`; its means stand as `popularity_lift` and `genre_divergence`.
    `distinct_per_1000` is how many different movies stand in 1,000 of the first 10 places, and has no interval.
    """
    if scores.is_empty() and properties.is_empty():  # no window is measured, so `rankings` may have no columns
        return pl.DataFrame(schema=MEASURED)
    names = [name for name in scores.columns if name not in (*CASE, "model")]
    rows: list[tuple[str, str, str, float, float | None, float | None, int]] = []
    for (segment, model), table in add_raters(scores).group_by("segment", "model", maintain_order=True):
        intervals = bootstrap_columns(table.select(names).to_numpy(), clusters=table["user_id"].to_numpy())
        rows += [(str(segment), str(model), name, *each) for name, each in zip(names, intervals, strict=True)]
    for (segment, model), table in add_raters(properties).group_by("segment", "model", maintain_order=True):
        for name in PROPERTY_NAMES:
            known = table.drop_nulls(name)
            if len(known):
                each = bootstrap_mean(known[name].to_numpy(), clusters=known["user_id"].to_numpy())
                rows.append((str(segment), str(model), name, *each))
    places = rankings.filter(pl.col("rank") <= 10).group_by("segment", "model", maintain_order=True)
    distinct = places.agg(value=PLACES * pl.col("movie_id").n_unique() / pl.len(), n=pl.len() // 10)
    rows += [
        (segment, model, "distinct_per_1000", value, None, None, n) for segment, model, value, n in distinct.iter_rows()
    ]
    return pl.DataFrame(rows, schema=MEASURED, orient="row")


def measure_list_properties(
    windows: Sequence[Window], rankings: pl.DataFrame, ratings: pl.LazyFrame, movies: pl.DataFrame
) -> pl.DataFrame:
    """`window, segment, model, user_id, popularity_lift, genre_divergence` (see `measure_lists`) of `rankings`, which
    has the column `window`. Cold users have no profile and no rows."""
    tables = []
    for window in windows:
        of_window = rankings.filter(window=window.name)
        if of_window.is_empty():
            continue
        before = ratings_before_cut(ratings, window)
        given = select_cases(ratings, window).given.select(*PROFILE, "movie_id")
        of_cold_movies = given.filter(segment=NEWCOMERS).with_columns(segment=pl.lit(COLD_MOVIES))
        returning = of_window.filter(segment=RETURNING)["user_id"].unique()
        known = before.filter(pl.col("user_id").is_in(returning.implode())).select(
            pl.lit(RETURNING).alias("segment"), "user_id", "movie_id"
        )
        profiles = pl.concat([known.collect(engine="streaming"), given, of_cold_movies])
        popularity = before.group_by("movie_id").agg(n_ratings=pl.len()).collect(engine="streaming")
        found = measure_lists(of_window, profiles, popularity, movies)
        tables.append(found.select(pl.lit(window.name).alias("window"), *found.columns))
    return pl.concat(tables) if tables else pl.DataFrame(schema=LIST_PROPERTIES)


def compare_scores(scores: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`segment, model, base, value, low, high, n`: the paired nDCG@10 difference of each (model, base) over all cases.

    Of every segment in which both have scores.
    """
    rows: list[tuple[str, str, str, float, float, float, int]] = []
    for (segment,), table in add_raters(scores).group_by("segment", maintain_order=True):
        wide = table.pivot("model", index=["window", "user_id"], values=METRIC, maintain_order=True)
        users = wide["user_id"].to_numpy()
        for model, base in pairs:
            if {model, base} <= set(wide.columns):
                difference = wide[model] - wide[base]
                both = difference.is_not_null()
                interval = bootstrap_mean(difference.filter(both).to_numpy(), clusters=users[both.to_numpy()])
                rows.append((str(segment), model, base, *interval))
    return pl.DataFrame(rows, schema=COMPARED, orient="row")


def find_best_channel(scores: pl.DataFrame, channels: Sequence[str]) -> str:
    """The model among `channels` with the highest mean nDCG@10 over RATERS: the one that a recommender made of several
    has to beat."""
    raters = add_raters(scores).filter(pl.col("segment") == RATERS, pl.col("model").is_in(channels))
    means = raters.group_by("model", maintain_order=True).agg(pl.col(METRIC).mean())
    return str(means.sort(METRIC, descending=True, maintain_order=True)["model"].first())


def compare_with_references(scores: pl.DataFrame, channels: Sequence[str]) -> pl.DataFrame:
    """`compare_scores` of every model with the best of `channels`, with recent popularity and with its floor."""
    if scores.is_empty():
        return compare_scores(scores, [])
    best = find_best_channel(scores, channels)
    pairs = [*list_reference_pairs(scores, [best, RECENT_POPULARITY]), *FLOORS]
    return compare_scores(scores, list(dict.fromkeys(pairs)))


def list_reference_pairs(scores: pl.DataFrame, references: Sequence[str]) -> list[tuple[str, str]]:
    """Every model of `scores` with each of the references."""
    models = scores["model"].unique(maintain_order=True)
    return [(model, base) for base in dict.fromkeys(references) for model in models if model != base]


def average_by_window(scores: pl.DataFrame) -> pl.DataFrame:
    """`window, segment, model, ndcg_at_10, n`: quality over time."""
    return (
        add_raters(scores)
        .group_by("window", "segment", "model", maintain_order=True)
        .agg(pl.col(METRIC).mean(), n=pl.len())
        .sort("window", maintain_order=True)
    )
