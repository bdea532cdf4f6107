"""The whole graph, in this process, on a small MovieLens folder written by the test."""

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets.automation.jobs import WINDOW_ASSETS
from assets.definitions import build_definitions
from movierec.bundles.bundle import Bundle, current_version
from movierec.candidates import CANDIDATE_MODELS, als, ials
from movierec.candidates.als import ALS
from movierec.candidates.base import top_candidates
from movierec.candidates.content import ContentModel
from movierec.candidates.ease import EASE
from movierec.candidates.ials import IALS
from movierec.candidates.item_knn import ItemKNN
from movierec.candidates.popularity import Popularity
from movierec.candidates.svd import SVD
from movierec.data.interactions import Interactions
from movierec.data.sampling import SAMPLES
from movierec.features.names import BASE_FEATURES, TMDB_FEATURES, USER_FEATURES
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from movierec.recommender.training_rows import list_ranker_features
from movierec.settings import Settings
from movierec.tmdb.metadata import Metadata, MovieDetail
from resources.mlflow_tracking import MlflowTracking

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    # MLflow's own code, on its first use of a store.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def write_movielens(folder, *, users=60, movies=80, seed=1):
    """Users of two tastes in MovieLens's own files; the first movies are liked by most."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    genres = ["Comedy", "Action|Sci-Fi"]
    rows = [f'{m},"Movie {m}, The ({1970 + m % 40})",{genres[m % 2]}' for m in range(1, movies + 1)]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(rows) + "\n")
    lines = []
    for user in range(1, users + 1):
        weights = np.where(np.arange(1, movies + 1) % 2 == user % 2, 6.0, 1.0) / np.arange(1, movies + 1) ** 0.5
        chosen = random.choice(np.arange(1, movies + 1), 30, replace=False, p=weights / weights.sum())
        for i, movie in enumerate(chosen):
            stars = 4.5 if movie % 2 == user % 2 else 2.5
            lines.append(f"{user},{movie},{stars},{1_000_000_000 + user * 10_000 + i * 60}")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n")
    return folder


def settings_for(folder):
    return Settings(home=folder / "home", source=str(folder / "movielens"))


def run(settings, *, sample="full", selection=None, instance=None):
    job = build_definitions(settings).resolve_job_def("everything")
    chosen = [dg.AssetKey(name) for name in selection] if selection else None
    with dg.DagsterInstance.ephemeral() as own:
        return job.execute_in_process(
            instance=instance or own, partition_key=sample, asset_selection=chosen, raise_on_error=False
        )


def above(settings, *assets):
    """The names of these assets and of all that they are made of, but for the windows of the back-test."""
    graph = build_definitions(settings).resolve_asset_graph()
    chosen = dg.AssetSelection.assets(*assets).upstream() - WINDOW_ASSETS
    return sorted(key.to_user_string() for key in chosen.resolve(graph))


@pytest.fixture(scope="module")
def instance():
    """Where the run of `home` is recorded."""
    with dg.DagsterInstance.ephemeral() as own:
        yield own


@pytest.fixture(scope="module")
def home(tmp_path_factory, instance):
    """A home in which the whole graph ran once: its settings and the run."""
    folder = tmp_path_factory.mktemp("graph")
    write_movielens(folder / "movielens")
    settings = settings_for(folder)
    result = run(settings, instance=instance)
    assert result.success
    return settings, result


@pytest.fixture(scope="module")
def empty_mlflow(tmp_path_factory):
    """A folder with MLflow's database in which nothing is recorded, to copy: MLflow takes seconds to make one."""
    from mlflow import MlflowClient

    from resources.mlflow_tracking import build_store_uri

    folder = tmp_path_factory.mktemp("mlflow")
    MlflowClient(build_store_uri(folder))
    return folder


@pytest.fixture
def copied(home, tmp_path):
    """The settings of a copy of it, with the source beside it, for a test to spoil."""
    shutil.copytree(home[0].home.parent, tmp_path / "copy")
    return settings_for(tmp_path / "copy")


def metadata_of(result, asset):
    path = asset.split("/")
    (event,) = [each for each in result.get_asset_materialization_events() if each.asset_key.path == path]
    return event.materialization.metadata


def test_every_asset_has_the_samples_a_description_a_group_an_owner_and_kinds(tmp_path):
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    groups = set()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        partitions = node.partitions_def
        if isinstance(partitions, dg.MultiPartitionsDefinition):
            partitions = partitions.get_partitions_def_for_dimension("sample")
        if node.group_name == "maintenance":
            assert partitions is None, key
        else:
            assert partitions.get_partition_keys() == list(SAMPLES), key
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        groups.add(node.group_name)
    assert groups == {
        "exports",
        "tuning",
        "raw",
        "prepared",
        "features",
        "candidates",
        "ranking",
        "evaluation",
        "published",
        "clusters",
        "backtest",
        "metadata",
        "maintenance",
    }


def test_the_ranker_and_what_is_measured_never_stand_below_the_published_fits(tmp_path):
    settings = Settings(home=tmp_path)
    for measured in ("ranker", "sitting_rankings", "sitting_evaluation", "sitting_comparison"):
        assert {"ials", "popularity"}.isdisjoint(above(settings, measured)), measured
    assert {"ials_known", "popularity_known"}.isdisjoint(above(settings, "ranker"))


MADE_UP_MODEL = """
import sys
from pathlib import Path

import pytest

from movierec.candidates import CANDIDATE_MODELS, ModelSpec
from movierec.candidates.popularity import Popularity, PopularityParams


class MadeUp(Popularity):
    'A model of this test.'


CANDIDATE_MODELS["made_up"] = ModelSpec(MadeUp, PopularityParams, floor="random", is_same_for_everybody=True)

contract = pytest.main(["-p", "no:cacheprovider", "-k", "made_up", "tests/movierec/candidates/test_candidates.py"])

from tests.test_graph import run, settings_for

result = run(settings_for(Path(sys.argv[1])), selection=sys.argv[2:])
sys.exit(0 if result.success and contract == pytest.ExitCode.OK else 1)
"""


def test_a_model_with_an_entry_in_the_registry_is_fitted_measured_and_held_to_the_contract(copied):
    """In a process of its own: the graph is made from the registry when it is imported."""
    measured = ["sitting_rankings", "sitting_evaluation", "sitting_comparison", "leaderboard"]
    made = ["made_up_history", "made_up_known", *measured]
    command = [sys.executable, "-c", MADE_UP_MODEL, str(copied.home.parent), *made]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    rows = pl.read_parquet(copied.layout.store / "full" / "leaderboard.parquet").filter(
        protocol="rest_of_sitting", model="made_up"
    )
    assert rows["cold_start"].unique().to_list() == ["users"]
    assert {"ndcg_at_10", "fit_seconds"} <= set(rows["metric"])
    assert rows.filter(segment="known")["base"].drop_nulls().to_list() == ["random"]


CUT_OF = {"history": "interactions_history", "known": "interactions_known"}


def test_every_fit_reads_exactly_the_interactions_of_its_cut(tmp_path):
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    fits = {name for model in CANDIDATE_MODELS for name in (model, f"{model}_history", f"{model}_known")}
    for key in graph.get_all_asset_keys():
        name = key.to_user_string()
        if name not in fits:
            continue
        parents = {parent.to_user_string() for parent in graph.get(key).parent_keys}
        wanted = CUT_OF.get(name.rsplit("_", 1)[-1], "interactions_all")
        # The split gives a fit no ratings: it is read to validate on the labels, and to cut the tags of content.
        is_validated, reads_content = name.endswith("_history"), name.startswith("content")
        assert wanted in parents, key
        assert parents - {wanted} <= {"tuned", "movies", "tags", "split"}, key
        assert ("split" in parents) == (is_validated or reads_content), key


@pytest.mark.parametrize(
    ("asset", "cut"),
    [
        ("label_rows", "history"),
        ("sitting_rankings", "known"),
        ("sitting_evaluation", "known"),
        ("diversity", "known"),
        ("published", "all"),
    ],
)
def test_what_uses_models_reads_the_interactions_of_their_cut(tmp_path, asset, cut):
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    parents = {parent.to_user_string() for parent in graph.get(dg.AssetKey(asset)).parent_keys}
    assert {parent for parent in parents if "interactions" in parent} == {f"interactions_{cut}"}


def test_one_run_publishes_a_bundle_that_opens(home):
    settings, result = home
    bundle = Bundle.open(current_version(settings.layout.locate_bundles("full")))
    assert len(bundle.catalogue.movies) == 80
    assert bundle.catalogue.by_id[1].title == "The Movie 1"
    stages = {"two_stage": "two_stage", "blend": "candidates"}
    assert bundle.recommender.recommend_for_user(5, n=5).model == stages[bundle.manifest["serves"]]
    assert bundle.manifest["run_id"] == result.run_id
    assert bundle.manifest["source"]["name"] == "movielens"
    assert all(bundle.manifest["mlflow_runs"].values())


def test_what_is_published_knows_every_rating(home):
    settings, _ = home
    recommender = Bundle.open(current_version(settings.layout.locate_bundles("full"))).recommender
    assert recommender.interactions.user_items.nnz == 1800
    counts = recommender.features.users[:, USER_FEATURES.index("user_num_ratings")]
    assert counts.tolist() == [30] * 60


def test_every_check_of_a_good_run_is_green(home):
    _, result = home
    checks = {
        (each.asset_key.to_user_string(), each.check_name): each.passed for each in result.get_asset_check_evaluations()
    }
    assert len(checks) == 25
    assert all(checks.values()), checks


def test_metadata_tells_what_a_person_wants_to_see(home):
    _, result = home
    assert metadata_of(result, "ratings")["dagster/row_count"].value == 1800
    assert metadata_of(result, "ratings")["duplicate_ratings_dropped"].value == 0
    assert metadata_of(result, "raw_tags")["missing_file"].value == 1
    assert "two_stage" in metadata_of(result, "sitting_evaluation")["ndcg_at_10"].value
    assert "data:image/png;base64" in metadata_of(result, "ranker")["importances"].value
    assert metadata_of(result, "ials_known")["fit_seconds"].value >= 0
    told = {name: value.value for name, value in metadata_of(result, "sitting_relevant").items() if "users" in name}
    assert told["users"] + told["users_who_liked_nothing"] == 60


def test_the_leaderboard_has_the_costs_of_all_stages_and_for_whom_there_is_an_answer(home):
    settings, _ = home
    board = pl.read_parquet(settings.layout.store / "full" / "leaderboard.parquet").filter(
        protocol="rest_of_sitting", segment="known"
    )
    costs = board.filter(pl.col("metric").is_in(["fit_seconds", "users_per_second"]))
    seconds = dict(costs.filter(metric="fit_seconds").select("model", "value").iter_rows())
    channels = sum(seconds[name] for name in RECOMMENDER_CHANNELS["two_stage"])
    assert seconds["blend"] == pytest.approx(channels)
    assert seconds["two_stage"] > channels
    assert "blend" in costs.filter(metric="users_per_second")["model"].to_list()
    assert board.filter(model="two_stage")["cold_start"].unique().to_list() == ["users, by popularity"]


def test_taste_is_learnt(home):
    """Half of the movies are of a user's taste; a recommender that knows it puts those first."""
    settings, _ = home
    bundle = Bundle.open(current_version(settings.layout.locate_bundles("full")))
    found = [
        movie % 2 == user % 2
        for user in range(1, 61)
        for movie in bundle.recommender.recommend_for_user(user, n=5).movie_ids
    ]
    assert np.mean(found) > 0.8


def test_mlflow_has_a_run_per_fit_with_the_dagster_run_as_a_tag(home):
    from mlflow import MlflowClient

    from resources.mlflow_tracking import build_store_uri

    settings, result = home
    client = MlflowClient(build_store_uri(settings.layout.mlflow))
    experiments = {each.name: each.experiment_id for each in client.search_experiments()}
    assert {"popularity_baseline", "als_candidate_generator", "two_stage_ranker"} <= experiments.keys()
    rankers = client.search_runs([experiments["two_stage_ranker"]])
    assert len(rankers) == len(RECOMMENDER_CHANNELS) + 1  # and the one that is served
    (ranker,) = (run for run in rankers if run.data.tags["asset"] == "ranker")
    assert ranker.data.tags["dagster.run_id"] == result.run_id
    assert metadata_of(result, "ranker")["mlflow_run"].value.endswith(f"/runs/{ranker.info.run_id}")
    assert ranker.data.params["loss_function"] == "QueryRMSE"
    assert {"test_ndcg_at_10", "test_recall_at_20", "test_coverage_at_5", "fit_seconds"} <= ranker.data.metrics.keys()
    assert "val_ndcg_at_10" in ranker.data.metrics
    assert {file.path for file in client.list_artifacts(ranker.info.run_id)} >= {"model.cbm", "config.json"}
    fits = client.search_runs([experiments["als_candidate_generator"]])
    (on_history,) = (run for run in fits if run.data.tags["asset"] == "ials_history")
    names = ("precision", "recall", "ndcg", "map", "coverage")
    validated = {f"val_{name}_at_{k}" for name in names for k in (5, 10, 20)}
    assert validated <= on_history.data.metrics.keys()
    tracked = client.search_runs(list(experiments.values()))
    by_asset = {run.data.tags["asset"]: run.data.metrics.keys() for run in tracked}
    assert all(validated <= by_asset[f"{name}_history"] for name in CANDIDATE_MODELS)
    fitted = {"ials_history", "ials_known", "ials", "als_known", "als_reference_known"}
    assert {run.data.tags["asset"] for run in fits} >= fitted


def test_the_ranker_over_als_learns_from_the_candidates_of_als(home):
    settings, _ = home
    store = settings.layout.store / "full"
    rows = pl.read_parquet(store / "label_rows_als.parquet")
    assert [name for name in rows.columns if name.endswith("_score")] == ["als_score"]
    fitted, interactions = (
        kind.load(store / name / (store / name / "CURRENT").read_text())
        for kind, name in ((ALS, "als_history"), (Interactions, "interactions_history"))
    )
    found = top_candidates(fitted, interactions, rows["user_id"].unique().to_numpy(), 100)
    both = rows.select("user_id", "movie_id", "als_score").join(found, on=["user_id", "movie_id"])
    assert len(both) == len(rows)
    assert both["als_score"].to_numpy() == pytest.approx(both["score"].to_numpy(), abs=1e-5)


def test_the_holdout_never_reaches_what_is_measured_on_it(home, empty_mlflow, tmp_path):
    """Half of the holdout gone, the rest turned over: candidates, ranker rows and rankings stay as they were."""
    before, _ = home
    store = before.layout.store / "full"
    split = pl.read_parquet(store / "split.parquet")
    held_out = pl.col("part") == "holdout"
    changed = split.filter(~held_out | (pl.col("movie_id") % 2 == 0)).with_columns(
        rating=pl.when(held_out).then(5.5 - pl.col("rating")).otherwise("rating")
    )
    assert len(changed) < len(split)
    settings = before.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(empty_mlflow, settings.layout.mlflow)
    other = settings.layout.store / "full"
    other.parent.mkdir(parents=True)
    shutil.copytree(store, other)
    changed.with_columns(pl.col("rating").cast(pl.Float32)).write_parquet(other / "split.parquet")
    graph = build_definitions(settings).resolve_asset_graph()
    wanted = dg.AssetSelection.assets("sitting_rankings").upstream() & dg.AssetSelection.groups(
        "features", "candidates", "ranking", "evaluation"
    )
    below = sorted({key.to_user_string() for key in wanted.resolve(graph)} - {"sitting_relevant", "sitting_rankings"})
    relevant = pl.read_parquet(store / "sitting_relevant.parquet")
    assert run(settings, selection=[*below, "sitting_rankings"]).success
    assert pl.read_parquet(other / "label_rows.parquet").equals(pl.read_parquet(store / "label_rows.parquet"))
    assert pl.read_parquet(other / "sitting_rankings.parquet").equals(
        pl.read_parquet(store / "sitting_rankings.parquet")
    )
    assert len(relevant) > 0


def test_a_rejected_input_stops_the_graph_and_leaves_what_was_published(copied):
    before = current_version(copied.layout.locate_bundles("full"))
    ratings = Path(copied.source, "ratings.csv")
    ratings.write_text(ratings.read_text().replace("2.5", "many", 1))
    result = run(copied)
    assert not result.success
    assert {each.step_key for each in result.get_step_failure_events()} == {"raw_ratings"}
    cause = result.get_step_failure_events()[0].step_failure_data.error
    while cause.cause is not None:
        cause = cause.cause
    assert "ratings.csv" in cause.message
    assert "many" in cause.message
    assert current_version(copied.layout.locate_bundles("full")) == before
    assert Bundle.open(before).version == before.name


def test_a_model_below_its_floor_is_not_published_even_alone(copied):
    before = current_version(copied.layout.locate_bundles("full"))
    path = copied.layout.store / "full" / "sitting_comparison.parquet"
    worse = pl.col("model") == "ials"
    table = pl.read_parquet(path).with_columns(
        pl.when(worse).then(-0.1).otherwise(pl.col(name)).alias(name) for name in ("value", "low", "high")
    )
    table.write_parquet(path)
    result = run(copied, selection=["published"])
    assert not result.success
    assert current_version(copied.layout.locate_bundles("full")) == before


def check_alone(settings, asset, name):
    """One asset check on what is stored."""
    key = dg.AssetCheckKey(dg.AssetKey(asset.split("/")), name)
    job = build_definitions(settings).resolve_job_def("everything")
    subset = job.get_subset(asset_selection=set(), asset_check_selection={key})
    result = subset.execute_in_process(partition_key="full", raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def of_a_later_cut(features):
    """What is known of everybody after the labels, said to be known before them."""
    later = features.filter(pl.col("as_of") == "known").with_columns(as_of=pl.lit("history"))
    return pl.concat([later, features.filter(pl.col("as_of") != "history")])


def first_to_last(table):
    """Each user's parts turned round: the holdout first."""
    turned = pl.col("part").cast(pl.String).replace({"history": "holdout", "holdout": "history"})
    return table.with_columns(part=turned.cast(table.schema["part"]))


@pytest.mark.parametrize(
    ("asset", "check", "spoil", "says"),
    [
        ("ratings", "known_movies", lambda t: t.with_columns(movie_id=pl.lit(999, pl.Int32)), None),
        (
            "ratings",
            "schema",
            lambda t: t.with_columns(rating=pl.lit(9.5, pl.Float32)),
            "1800 ratings outside 0.5 to 5",
        ),
        (
            "ratings",
            "schema",
            lambda t: t.with_columns(rated_at=pl.lit(None, t.schema["rated_at"])),
            "1800 rows without",
        ),
        ("ratings", "schema", lambda t: t.with_columns(pl.col("user_id").cast(pl.Int64)), "columns are"),
        ("movies", "schema", lambda t: t.with_columns(more=1), "columns are"),
        ("split", "in_order", first_to_last, None),
        ("split", "in_order", lambda t: pl.concat([t, t.head(1)]), None),
        ("split", "in_order", lambda t: t.with_columns(pl.col("rated_at").shuffle(seed=1)), None),
        ("user_features", "knows_its_cut_and_no_more", of_a_later_cut, None),
        ("movie_features", "knows_its_cut_and_no_more", of_a_later_cut, None),
        (
            "label_rows",
            "no_feature_knows_the_label",
            lambda t: t.with_columns(planted=pl.col("relevant").cast(pl.Float32)),
            "planted (AUC 1.000)",
        ),
    ],
)
def test_a_spoilt_table_turns_its_check_red(copied, asset, check, spoil, says):
    path = copied.layout.store / "full" / f"{asset}.parquet"
    assert check_alone(copied, asset, check).passed
    spoil(pl.read_parquet(path)).write_parquet(path)
    evaluation = check_alone(copied, asset, check)
    assert not evaluation.passed
    assert says is None or says in evaluation.description


def write_worse_backtest(settings, segment):
    """A back-test in which ials is surely worse than its floor, of this segment."""
    row = {"segment": segment, "model": "ials", "base": "popularity", "value": -0.2, "low": -0.3, "high": -0.1, "n": 40}
    pl.DataFrame([row]).write_parquet(settings.layout.store / "full" / "backtest_comparison.parquet")


@pytest.mark.parametrize("decides", ["windows", "sitting"])
def test_a_model_below_its_floor_turns_the_check_red(copied, decides):
    """In the windows of the back-test where there are any, else on the rest of the sitting."""
    assert check_alone(copied, "backtest_comparison", "above_floors").passed
    if decides == "windows":
        write_worse_backtest(copied, "raters")
    else:
        path = copied.layout.store / "full" / "sitting_comparison.parquet"
        pl.read_parquet(path).with_columns(high=pl.lit(-0.1)).write_parquet(path)
    evaluation = check_alone(copied, "backtest_comparison", "above_floors")
    assert not evaluation.passed
    assert "ials is worse than popularity" in evaluation.description


def test_windows_decide_over_floors_where_there_are_any(copied):
    write_worse_backtest(copied, "given_1")
    path = copied.layout.store / "full" / "sitting_comparison.parquet"
    pl.read_parquet(path).with_columns(high=pl.lit(-0.1)).write_parquet(path)
    assert check_alone(copied, "backtest_comparison", "above_floors").passed


@pytest.mark.parametrize(
    ("asset", "put_there"),
    [("interactions_history", "interactions_known"), ("interactions_known", "interactions_all")],
)
def test_interactions_past_their_cut_turn_their_check_red(copied, asset, put_there):
    store = copied.layout.store / "full"
    assert check_alone(copied, asset, "fitted_before_its_cut").passed
    shutil.rmtree(store / asset)
    shutil.copytree(store / put_there, store / asset)
    evaluation = check_alone(copied, asset, "fitted_before_its_cut")
    assert not evaluation.passed
    assert evaluation.metadata["ratings_known_too_early"].value > 0


def test_a_mix_of_two_data_sets_is_not_published(copied, instance):
    """New data fetched, nothing trained on it: the bundle would name data that its models never saw."""
    before = current_version(copied.layout.locate_bundles("full"))
    # Another sample's runs and a stage made anew in order are no mix.
    assert run(copied, sample="10pct", selection=["dataset", "raw_movies", "movies"], instance=instance).success
    assert run(copied, selection=["similar_movies", "catalogue", "published"], instance=instance).success
    write_movielens(Path(copied.source), seed=2)
    assert run(copied, selection=["dataset"], instance=instance).success
    newest = current_version(copied.layout.locate_bundles("full"))
    result = run(copied, selection=["published"], instance=instance)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "raw_ratings was made from an older dataset" in str(failure.step_failure_data.user_failure_data.description)
    assert current_version(copied.layout.locate_bundles("full")) == newest != before


def test_a_challenger_that_is_worse_is_not_published_and_the_run_is_no_failure(copied):
    before = current_version(copied.layout.locate_bundles("full"))
    scores = before / "scores.parquet"
    champion = pl.read_parquet(scores)
    champion.with_columns(pl.col("ndcg_at_10") + 0.2).write_parquet(scores)
    result = run(copied, selection=["served_stage", "published"])
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("beats_champion", False)
    assert check.metadata["value"].value == pytest.approx(-0.2)
    assert check.metadata["n"].value == len(champion)
    assert current_version(copied.layout.locate_bundles("full")) == before
    champion.write_parquet(scores)
    assert run(copied, selection=["served_stage", "published"]).success
    after = current_version(copied.layout.locate_bundles("full"))
    assert after != before
    assert "nDCG@10 +0.0000" in json.loads((after / "manifest.json").read_text())["verdict"]


def publish_where_the_ranker_gains(settings, **gain):
    """A first bundle, where the ranker's difference to the candidates it orders was measured to be `gain`."""
    path = settings.layout.store / "full" / "sitting_comparison.parquet"
    pair = (pl.col("model") == "two_stage") & (pl.col("base") == "blend")
    told = [pl.when(pair).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in gain.items()]
    pl.read_parquet(path).with_columns(told).write_parquet(path)
    shutil.rmtree(settings.layout.locate_bundles("full"))
    assert run(settings, selection=["served_stage", "published"]).success


def test_a_champion_whose_ranker_reads_other_features_defends_its_place_all_the_same(copied):
    publish_where_the_ranker_gains(copied, value=0.03, low=-0.01, high=0.07)
    before = current_version(copied.layout.locate_bundles("full"))
    ranker = before / "recommender" / "ranker" / "config.json"
    ranker.write_text(ranker.read_text().replace("movie_num_ratings", "movie_of_older_code"))
    scores = before / "scores.parquet"
    champion = pl.read_parquet(scores)
    champion.with_columns(pl.col("ndcg_at_10") + 0.2).write_parquet(scores)
    (check,) = run(copied, selection=["served_stage", "published"]).get_asset_check_evaluations()
    assert not check.passed
    assert check.metadata["value"].value == pytest.approx(-0.2)
    assert current_version(copied.layout.locate_bundles("full")) == before
    champion.write_parquet(scores)
    (check,) = run(copied, selection=["served_stage", "published"]).get_asset_check_evaluations()
    assert check.passed
    assert "this code cannot open the champion" in check.description


def test_a_ranker_that_may_be_worse_than_its_candidates_is_not_served(copied):
    publish_where_the_ranker_gains(copied, value=-0.03, low=-0.07, high=0.001)
    bundle = Bundle.open(current_version(copied.layout.locate_bundles("full")))
    assert bundle.manifest["serves"] == "blend"
    assert "-0.0300 [-0.0700, +0.0010], n = 60," in bundle.manifest["serves_because"]
    assert bundle.recommender.recommend_for_user(5, n=5).model == "candidates"


def test_a_champion_of_other_data_defends_nothing(copied):
    before = current_version(copied.layout.locate_bundles("full"))
    manifest = before / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": "', '"version": "of other data ', 2))
    assert run(copied, selection=["served_stage", "published"]).success
    assert current_version(copied.layout.locate_bundles("full")) != before


def test_the_seed_designs_parameters_can_be_chosen_for_the_whole_graph(tmp_path):
    write_movielens(tmp_path / "movielens")
    above = ["dataset", "raw_ratings", "raw_movies", "movies", "ratings", "split"]
    above += ["interactions_history", "tuned", "ials_history", "als_history"]
    settings = settings_for(tmp_path).model_copy(update={"reference": True})
    assert run(settings, selection=above).success
    for kind, expected in ((IALS, ials.REFERENCE_PARAMS), (ALS, als.REFERENCE_PARAMS)):
        fitted = settings.layout.store / "full" / f"{kind.__name__.lower()}_history"
        assert kind.load(fitted / (fitted / "CURRENT").read_text()).params == expected


def store_metadata(settings, *, movies):
    """TMDB's metadata of the first movies, as `tmdb_metadata` stores it."""
    now = datetime(2026, 1, 2)  # noqa: DTZ001  UTC without a zone
    bodies = [{"id": m, "runtime": 80 + m, "budget": 1000 * m, "original_language": "en"} for m in range(1, movies + 1)]
    folder = settings.layout.store / "full" / "tmdb_metadata"
    (folder / "v1").mkdir(parents=True)
    Metadata.from_details(MovieDetail(body["id"], body, now) for body in bodies).save(folder / "v1")
    (folder / "CURRENT").write_text("v1")


def test_the_ranker_reads_tmdbs_metadata_where_that_is_switched_on(copied):
    settings = copied.model_copy(update={"tmdb_features": True})
    store_metadata(settings, movies=70)
    kinds = ("label_rows", "ranker")
    trained = [name.replace("two_stage", kind) for kind in kinds for name in RECOMMENDER_CHANNELS]
    measured = ["sitting_rankings", "sitting_evaluation", "sitting_comparison"]
    chosen = ["user_features", "movie_features", *trained, "served_ranker", *measured]
    assert run(settings, selection=chosen).success
    publish_where_the_ranker_gains(settings, value=0.03, low=-0.01, high=0.07)
    bundle = Bundle.open(current_version(settings.layout.locate_bundles("full")))
    recommender = bundle.recommender
    assert recommender.ranker.feature_names[37:40] == TMDB_FEATURES
    assert bundle.manifest["tmdb_features"] == list(TMDB_FEATURES)
    for found in (recommender.recommend_for_user(5, n=5), recommender.recommend_from_ratings([1, 3], [4.5, 4.0], n=5)):
        assert (found.model, len(found.movie_ids)) == ("two_stage", 5)
    table = pl.read_parquet(settings.layout.store / "full" / "label_rows.parquet")
    assert (
        table.filter(pl.col("movie_id") <= 70)
        .select(pl.col("tmdb_runtime") == 80 + pl.col("movie_id"))
        .to_series()
        .all()
    )
    assert table.filter(pl.col("movie_id") > 70)["tmdb_runtime"].is_nan().all()


def test_the_ranker_reads_nothing_of_tmdb_otherwise(copied):
    before = pl.read_parquet(copied.layout.store / "full" / "movie_features.parquet")
    store_metadata(copied, movies=70)
    assert run(copied, selection=["movie_features"]).success
    assert pl.read_parquet(copied.layout.store / "full" / "movie_features.parquet").equals(before)
    ranker = copied.layout.store / "full" / "ranker"
    features = Ranker.load(ranker / (ranker / "CURRENT").read_text()).feature_names
    assert features == (*BASE_FEATURES, *list_ranker_features(RECOMMENDER_CHANNELS["two_stage"], ()))
    manifest = json.loads((current_version(copied.layout.locate_bundles("full")) / "manifest.json").read_text())
    assert manifest["tmdb_features"] == []


def test_features_of_tmdb_without_its_metadata_say_what_to_run(copied):
    result = run(copied.model_copy(update={"tmdb_features": True}), selection=["movie_features", "label_rows"])
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "movie_features"
    assert "run `TMDB_API_KEY=… make metadata SAMPLE=full`" in str(failure.step_failure_data.error)


def test_data_too_small_to_learn_from_says_so(tmp_path):
    write_movielens(tmp_path / "movielens", users=40)
    ratings = tmp_path / "movielens" / "ratings.csv"
    ratings.write_text(ratings.read_text().replace(",4.5,", ",3.5,"))
    settings = settings_for(tmp_path)
    result = run(settings, selection=above(settings, "sitting_relevant"))
    failed = {each.step_key: str(each.step_failure_data.error) for each in result.get_step_failure_events()}
    assert "nobody rated a movie 4.0 or better" in failed["sitting_relevant"]


def equal_ratings(ratings):
    return ratings.with_columns(rating=pl.lit(4.0))


def one_rating_for_each_user(ratings):
    return ratings.with_columns(rating=(4 + pl.col("userId") % 3 / 2))


def two_users(ratings):
    """Each with 60 movies, most of them of both."""
    shared = ratings.with_columns(userId=pl.col("userId") % 2 + 1, rating=3 + pl.col("timestamp") // 60 % 3)
    return shared.unique(["userId", "movieId"], keep="first", maintain_order=True).group_by("userId").head(60)


@pytest.mark.parametrize("poor", [equal_ratings, one_rating_for_each_user, two_users])
def test_ratings_that_teach_little_are_published_and_measured(tmp_path, poor):
    write_movielens(tmp_path / "movielens")
    path = tmp_path / "movielens" / "ratings.csv"
    poor(pl.read_csv(path)).write_csv(path)
    settings = settings_for(tmp_path)
    assert run(settings).success
    assert (
        Bundle.open(current_version(settings.layout.locate_bundles("full")))
        .recommender.recommend_for_user(1, n=5)
        .movie_ids
    )
    measured = (
        pl.read_parquet(settings.layout.store / "full" / "sitting_evaluation.parquet")["model"].unique().to_list()
    )
    # Of two users no movie has the ratings that make it popular.
    assert set(measured) >= {*CANDIDATE_MODELS, *RECOMMENDER_CHANNELS} - {"popularity"}


def break_fit(monkeypatch, kind, error):
    def fit(*_, **__):
        raise error

    monkeypatch.setattr(kind, "fit", fit)


ONLY_MEASURED = {
    SVD: ValueError("a planted fault of svd"),
    ALS: np.linalg.LinAlgError("a planted fault of als"),
    ItemKNN: ZeroDivisionError("a planted fault of item_knn"),
    ContentModel: RuntimeError("a planted fault of content"),
}


def test_models_that_are_only_measured_may_fail_and_the_rest_is_published(copied, monkeypatch, capfd):
    before = current_version(copied.layout.locate_bundles("full"))
    for kind, error in ONLY_MEASURED.items():
        break_fit(monkeypatch, kind, error)
    result = run(copied)
    assert result.success
    assert current_version(copied.layout.locate_bundles("full")) != before
    missing = {"svd", "als", "als_reference", "item_knn", "content", "two_stage_als"}
    manifest = json.loads((current_version(copied.layout.locate_bundles("full")) / "manifest.json").read_text())
    assert manifest["mlflow_runs"].keys().isdisjoint({"svd_known", "als_known", "als_reference_known", "ranker_als"})
    for table in ("sitting_rankings", "sitting_evaluation", "leaderboard"):
        models = set(pl.read_parquet(copied.layout.store / "full" / f"{table}.parquet")["model"])
        assert models.isdisjoint(missing)
        assert models >= {"random", "two_stage", "two_stage_ials", "blend", "ease"}
    told = metadata_of(result, "sitting_evaluation")["left_out"].value
    assert all(str(error) in told for error in ONLY_MEASURED.values())
    assert "two_stage_als: NothingToLearnError: there are no rows to learn from; label_rows_als has" in told
    told = metadata_of(result, "leaderboard")["left_out"].value
    assert all(name in told for name in missing)
    assert "a planted fault of als" in metadata_of(result, "label_rows_als")["left_out"].value
    red = {each.asset_key.to_user_string(): each for each in result.get_asset_check_evaluations() if not each.passed}
    assert red.keys() >= {
        "svd_known",
        "als_known",
        "als_reference_known",
        "item_knn_known",
        "content_known",
        "ranker_als",
    }
    assert {each.severity for each in red.values()} == {dg.AssetCheckSeverity.WARN}
    assert "a planted fault of svd" in red["svd_known"].description
    (error,) = [line for line in capfd.readouterr().err.splitlines() if "svd_history: svd could not be fitted" in line]
    assert "ERROR" in error
    assert "make pipeline SAMPLE=full" in error


def test_a_rankers_fault_is_reported_too_where_nobody_is_served_by_it(copied, monkeypatch):
    fit_with_oof_ranks = Ranker.fit_with_oof_ranks.__func__

    def fit(cls, rows, params=None):
        if "ease_score" not in rows.columns:
            raise FloatingPointError("a planted fault of a ranker")
        return fit_with_oof_ranks(cls, rows, params)

    monkeypatch.setattr(Ranker, "fit_with_oof_ranks", classmethod(fit))
    result = run(copied)
    assert result.success
    told = metadata_of(result, "sitting_evaluation")["left_out"].value
    assert all(f"{name}: FloatingPointError: a planted" in told for name in ("two_stage_als", "two_stage_ials"))


def test_an_error_while_a_fit_is_recorded_stops_the_run_of_a_model_nobody_serves_too(copied, monkeypatch):
    """Only the fit itself may fail: a fault of the tracking is none of the data or the model."""

    def record_fit(*_, **__):
        raise OSError("a planted fault of the tracking")

    monkeypatch.setattr(MlflowTracking, "record_fit", record_fit)
    for asset in ("ranker_als", "svd_known"):
        result = run(copied, selection=[asset])
        assert not result.success
        assert "a planted fault of the tracking" in str(result.get_step_failure_events()[0].step_failure_data.error)


@pytest.mark.parametrize("kind", [EASE, Popularity])
def test_a_model_that_is_served_stops_the_graph_where_it_cannot_be_fitted(copied, monkeypatch, kind):
    before = current_version(copied.layout.locate_bundles("full"))
    break_fit(monkeypatch, kind, ValueError("a planted fault"))
    result = run(copied)
    assert not result.success
    assert "a planted fault" in str(result.get_step_failure_events()[0].step_failure_data.error)
    assert current_version(copied.layout.locate_bundles("full")) == before


@pytest.mark.parametrize("moments", [1, 2])
def test_ratings_without_time_are_published_and_measured_by_the_sitting_alone(empty_mlflow, tmp_path, moments):
    write_movielens(tmp_path / "movielens")
    path = tmp_path / "movielens" / "ratings.csv"
    ratings = pl.read_csv(path)
    ratings.with_columns(timestamp=1_000_000_000 + pl.col("userId") % moments).write_csv(path)
    settings = settings_for(tmp_path)
    shutil.copytree(empty_mlflow, settings.layout.mlflow)
    result = run(settings)
    assert result.success
    assert all(each.passed for each in result.get_asset_check_evaluations())
    assert (
        Bundle.open(current_version(settings.layout.locate_bundles("full")))
        .recommender.recommend_for_user(5, n=5)
        .movie_ids
    )
    board = pl.read_parquet(settings.layout.store / "full" / "leaderboard.parquet")
    assert board["protocol"].unique().to_list() == ["rest_of_sitting"]


def test_movies_without_genres_are_no_trouble(empty_mlflow, tmp_path):
    write_movielens(tmp_path / "movielens")
    movies = tmp_path / "movielens" / "movies.csv"
    movies.write_text(movies.read_text().replace("Comedy", "(no genres listed)").replace("Action|Sci-Fi", ""))
    settings = settings_for(tmp_path)
    shutil.copytree(empty_mlflow, settings.layout.mlflow)
    assert run(settings, selection=above(settings, "recommendations", "companion", "diversity")).success


def test_samples_are_nested_and_keep_whole_users(home):
    settings, _ = home
    assert run(
        settings, sample="10pct", selection=["dataset", "raw_movies", "raw_ratings", "movies", "ratings"]
    ).success
    whole, tenth = (pl.read_parquet(settings.layout.store / sample / "ratings.parquet") for sample in ("full", "10pct"))
    users = tenth["user_id"].unique()
    assert 0 < len(users) < 20
    assert tenth.sort("user_id", "movie_id").equals(
        whole.filter(pl.col("user_id").is_in(users.implode())).sort("user_id", "movie_id")
    )


def test_a_manifest_is_plain_json_that_names_where_everything_came_from(home):
    settings, _ = home
    manifest = json.loads((current_version(settings.layout.locate_bundles("full")) / "manifest.json").read_text())
    assert manifest.keys() >= {
        "format",
        "version",
        "run_id",
        "mlflow_runs",
        "published_at",
        "sample",
        "source",
        "code_version",
        "metrics",
        "comparison",
        "files",
    }
