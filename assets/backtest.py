"""Back-test: at the cut of each window every model is fitted anew, and measured on what people then rated.

A window is a partition: a new one is added without fitting the others again. All that a fit, a feature or a label of a
window knows is from before its cut. The ranker that the site serves learns from the label rows of every window.
"""

from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.candidates import report_left_out, try_to_fit
from assets.features import count_interactions
from assets.partitions import EVERY_WINDOW, PARQUET_KINDS, backtest_partitions, sample_partitions
from assets.ranking import LabelConfig, choose_ranker_params
from assets.tuning import TUNED_TYPE
from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.schema import TIMESTAMP, WINDOW_COLUMNS, Schema
from movierec.data.windows import (
    MAX_WINDOWS,
    RATERS,
    Window,
    choose_windows,
    compute_fingerprints,
    ratings_before_cut,
    select_cases,
    select_current_windows,
)
from movierec.evaluation import backtest as backtesting
from movierec.evaluation.evaluated_models import build_evaluated_models
from movierec.evaluation.metrics import KS
from movierec.evaluation.results_report import HEADLINE_MODELS
from movierec.experiments.tuning import TunedParams
from movierec.features.content import build_content_vectors
from movierec.features.matrix import Features
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from movierec.recommender.training_rows import build_window_label_rows, list_ranker_features, pool_label_rows
from resources import plots
from resources.io_managers import render_markdown_table
from resources.tmdb.ranker_features import TmdbFeatures

GROUP = "backtest"
OWNERS = ["team:ml"]
_window_asset = partial(dg.asset, partitions_def=backtest_partitions, group_name=GROUP, owners=OWNERS)
_table_asset = partial(dg.asset, partitions_def=sample_partitions, group_name=GROUP, kinds=PARQUET_KINDS, owners=OWNERS)
CHANNELS = RECOMMENDER_CHANNELS["two_stage"]
WINDOW_TABLES = ("window_relevant", "window_label_rows", "window_rankings")
TUNED_INPUT = {"tuned": dg.AssetIn(dagster_type=TUNED_TYPE)}
RETRIEVAL_TYPE = dg.PythonObjectDagsterType(Retrieval, name="retrieval")
_WINDOWS: Schema = {name: WINDOW_COLUMNS.get(name, TIMESTAMP) for name in ("window", "cut", "end", "fingerprint")}


class WindowsConfig(dg.Config):
    """How long a window is (`1y`, `1q`, `1mo`, `1w` or `1d`; by the span of the ratings if None), and how many."""

    interval: str | None = None
    max_windows: int = MAX_WINDOWS


@_table_asset(ins=TUNED_INPUT)
def windows(
    context: dg.AssetExecutionContext,
    config: WindowsConfig,
    ratings: pl.LazyFrame,
    tuned: TunedParams,
    tmdb_features: TmdbFeatures,
) -> pl.DataFrame:
    """`window, cut, end, fingerprint` of each window, oldest first; each is a partition of the assets below.

    The fingerprint is of the ratings before the end, the ranker's features, the models and their hyper-parameters. The
    last window is for the report: nothing is chosen on it."""
    params = {name: spec.choose_params(tuned.get_params(name)) for name, spec in CANDIDATE_MODELS.items()}
    ranker = choose_ranker_params("two_stage", tuned)
    recipe = f"{' '.join(list_ranker_features(CHANNELS))} {tmdb_features.on} {params} {ranker}"
    chosen = choose_windows(ratings, interval=config.interval, max_windows=config.max_windows)
    context.instance.add_dynamic_partitions("window", [window.name for window in chosen])
    fingerprints = compute_fingerprints(ratings, chosen, recipe=recipe)
    rows = [(window.name, *window, fingerprint) for window, fingerprint in zip(chosen, fingerprints, strict=True)]
    return pl.DataFrame(rows, schema=_WINDOWS, orient="row")


def get_keys(partition_key: str) -> tuple[str, str]:
    """The sample and the window of a partition."""
    assert isinstance(partition_key, dg.MultiPartitionKey)  # noqa: S101  all assets of a window are partitioned so
    return partition_key.keys_by_dimension["sample"], partition_key.keys_by_dimension["window"]


def find_window(partition_key: str, windows: pl.DataFrame) -> tuple[Window, dict[str, Any]]:
    """The window of a partition, and the values of WINDOW_COLUMNS in its tables. Raises dg.Failure for other keys."""
    sample, name = get_keys(partition_key)
    rows = windows.filter(window=name)
    if rows.is_empty():
        raise dg.Failure(f"{name} is no window of the sample {sample}: choose one of {', '.join(windows['window'])}")
    row = rows.row(0, named=True)
    return Window(row["cut"], row["end"]), {each: row[each] for each in WINDOW_COLUMNS}


def list_windows(windows: pl.DataFrame) -> list[Window]:
    """The rows of the table `windows` as windows."""
    return [Window(*row) for row in windows.select("cut", "end").iter_rows()]


def list_outdated_tables(store: Path, window: str, fingerprint: int) -> list[str]:
    """The tables of a window that are missing in the folder of a sample, or were made from other ratings or
    with other models.

    A table without rows has no fingerprint, so it is always in the list.
    """
    outdated = []
    for table in WINDOW_TABLES:
        path = store / table / f"{window}.parquet"
        stored = pl.read_parquet(path, columns=["fingerprint"], n_rows=1) if path.is_file() else pl.DataFrame()
        if stored.is_empty() or stored["fingerprint"].item() != fingerprint:
            outdated.append(table)
    return outdated


def _mark(table: pl.DataFrame, columns: dict[str, Any]) -> pl.DataFrame:
    return table.with_columns(pl.lit(columns[name], dtype).alias(name) for name, dtype in WINDOW_COLUMNS.items())


@_window_asset(kinds=PARQUET_KINDS)
def window_relevant(context: dg.AssetExecutionContext, ratings: pl.LazyFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """`segment, user_id, movie_id`: what people liked in the window, and should be recommended at its cut."""
    window, columns = find_window(context.partition_key, windows)
    relevant = backtesting.select_relevant_movies(select_cases(ratings, window))
    scored = relevant.group_by("segment").agg(pl.col("user_id").n_unique()).sort("segment")
    context.add_output_metadata({f"{segment}_users": n for segment, n in scored.iter_rows()})
    return _mark(relevant, columns)


@_window_asset(
    ins=TUNED_INPUT,
    kinds={"python", "numpy"},
    io_manager_key="models",
    dagster_type=RETRIEVAL_TYPE,
    pool="training",
)
def window_retrieval(
    context: dg.AssetExecutionContext, ratings: pl.LazyFrame, windows: pl.DataFrame, tuned: TunedParams
) -> Retrieval:
    """The channels of the served recommender, fitted on the ratings before the window's cut."""
    window, _ = find_window(context.partition_key, windows)
    interactions = Interactions.from_ratings(ratings_before_cut(ratings, window))
    models = {name: CANDIDATE_MODELS[name].fit(interactions, tuned.get_params(name)) for name in CHANNELS}
    context.add_output_metadata(count_interactions(interactions))
    return Retrieval(models, interactions)


@_window_asset(kinds=PARQUET_KINDS, ins={"window_retrieval": dg.AssetIn(dagster_type=RETRIEVAL_TYPE)})
def window_label_rows(
    context: dg.AssetExecutionContext,
    config: LabelConfig,
    ratings: pl.LazyFrame,
    movies: pl.LazyFrame,
    windows: pl.DataFrame,
    window_retrieval: Retrieval,
    tmdb_features: TmdbFeatures,
) -> pl.DataFrame:
    """What a ranker learns from a window: candidates at its cut with their features, and whether people then liked
    them. Returning users, and newcomers by the first half and by the first five of their ratings."""
    window, columns = find_window(context.partition_key, windows)
    rows = build_window_label_rows(
        window_retrieval,
        _compute_features(context, ratings, movies, window, tmdb_features),
        select_cases(ratings, window),
        n_candidates=config.n_candidates,
        max_users=config.max_users,
    )
    return _mark(rows, columns) if len(rows) else pl.DataFrame(schema=WINDOW_COLUMNS)


def _compute_features(
    context: dg.AssetExecutionContext,
    ratings: pl.LazyFrame,
    movies: pl.LazyFrame,
    window: Window,
    tmdb_features: TmdbFeatures,
) -> Features:
    """Of the ratings before the window's cut."""
    described = tmdb_features.add_features(movies, get_keys(context.partition_key)[0])
    return Features.from_ratings(ratings_before_cut(ratings, window), described)


@_window_asset(
    kinds=PARQUET_KINDS,
    ins={
        "window_retrieval": dg.AssetIn(dagster_type=RETRIEVAL_TYPE),
        "window_label_rows": dg.AssetIn(partition_mapping=EVERY_WINDOW),
        **TUNED_INPUT,
    },
    pool="training",
)
def window_rankings(
    context: dg.AssetExecutionContext,
    ratings: pl.LazyFrame,
    movies: pl.LazyFrame,
    tags: pl.LazyFrame,
    windows: pl.DataFrame,
    window_retrieval: Retrieval,
    window_label_rows: pl.LazyFrame,
    window_relevant: pl.DataFrame,
    tuned: TunedParams,
    tmdb_features: TmdbFeatures,
) -> pl.DataFrame:
    """`segment, model, user_id, movie_id, score, rank`: what each model recommends at the window's cut.

    The ranker learns from the label rows of earlier windows; a window that has none before it is not measured."""
    window, columns = find_window(context.partition_key, windows)
    earlier = windows.filter(pl.col("end") <= window.cut)
    rows = select_current_windows(window_label_rows, earlier)
    if rows.is_empty():
        context.add_output_metadata({"not_measured": "there are no label rows of earlier windows for the ranker"})
        return pl.DataFrame(schema=WINDOW_COLUMNS)
    ranker = Ranker.fit(pool_label_rows(rows), choose_ranker_params("two_stage", tuned))
    interactions = window_retrieval.interactions
    known_tags = tags.filter(pl.col("tagged_at") < window.cut)
    models = dict(window_retrieval.models) | _fit_other_models(context, interactions, movies, known_tags, tuned)
    features = _compute_features(context, ratings, movies, window, tmdb_features)
    cases = select_cases(ratings, window)
    tables = []
    for name, model in build_evaluated_models(models, {"two_stage": ranker}, interactions, features).items():
        table = backtesting.rank_cases(model, cases, window_relevant, n=max(KS))
        tables.append(table.with_columns(model=pl.lit(name)))
    return _mark(pl.concat(tables).select("segment", "model", "user_id", "movie_id", "score", "rank"), columns)


def _fit_other_models(
    context: dg.AssetExecutionContext,
    interactions: Interactions,
    movies: pl.LazyFrame,
    tags: pl.LazyFrame,
    tuned: TunedParams,
) -> dict[str, CandidateModel]:
    """The candidate models that are no channels of the served recommender; those that cannot be fitted are left out."""

    def fit(name: str) -> CandidateModel:
        spec = CANDIDATE_MODELS[name]
        content = {"content": build_content_vectors(movies.collect(), tags.collect())} if spec.reads_content else {}
        return spec.fit(interactions, tuned.get_params(name), **content)

    others = [name for name in CANDIDATE_MODELS if name not in CHANNELS]
    sample, _ = get_keys(context.partition_key)
    models = {name: try_to_fit(context, name, partial(fit, name), sample=sample) for name in others}
    report_left_out(context, models.values())
    return {name: model for name, model in models.items() if not isinstance(model, UnfittedModel)}


@_table_asset()
def backtest_scores(
    windows: pl.DataFrame, window_rankings: pl.LazyFrame, window_relevant: pl.LazyFrame
) -> pl.DataFrame:
    """A row per user and window: how good each model was. Of the windows on which choices are made: all but the last,
    as far as they are measured."""
    return backtesting.score_windows(windows[:-1], window_rankings, window_relevant)


@_table_asset()
def backtest_evaluation(
    context: dg.AssetExecutionContext,
    backtest_scores: pl.DataFrame,
    windows: pl.DataFrame,
    window_rankings: pl.LazyFrame,
    ratings: pl.LazyFrame,
    movies: pl.DataFrame,
) -> pl.DataFrame:
    """`segment, model, metric, value, low, high, n`: every metric over all windows but the last, with its 95 % interval
    over users; over time as a plot."""
    found = select_current_windows(window_rankings, windows[:-1])
    properties = backtesting.measure_list_properties(list_windows(windows[:-1]), found, ratings, movies)
    table = backtesting.summarize_scores(backtest_scores, found, properties)
    headline = table.filter(segment=RATERS, metric=backtesting.METRIC)
    over_time = backtesting.average_by_window(backtest_scores).filter(
        pl.col("segment") == RATERS, pl.col("model").is_in(HEADLINE_MODELS)
    )
    if len(headline):
        context.add_output_metadata(
            {
                "ndcg_at_10": render_markdown_table(headline.drop("metric", "segment")),
                "over_time": plots.plot_lines(over_time, title="nDCG@10 by window, returning users and newcomers"),
            }
        )
    return table


@_table_asset()
def backtest_comparison(context: dg.AssetExecutionContext, backtest_scores: pl.DataFrame) -> pl.DataFrame:
    """Paired nDCG@10 differences over all windows but the last: each model against the best single channel and against
    recent popularity."""
    table = backtesting.compare_with_references(backtest_scores, CHANNELS)
    if len(table):
        context.add_output_metadata({"differences": render_markdown_table(table)})
    return table
