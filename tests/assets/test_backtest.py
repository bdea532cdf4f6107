"""The windows of the back-test in the graph: run one after the other, and none knows what came after its cut."""

import json
import shutil

import dagster as dg
import polars as pl
import pytest

from assets.commands.run_plan import plan_runs
from assets.definitions import build_definitions
from assets.published import BACKTEST
from movierec.bundles.bundle import current_version
from movierec.candidates.item_knn import ItemKNN
from movierec.candidates.svd import SVD
from movierec.data.windows import NEWCOMERS, RETURNING
from movierec.evaluation.backtest import RATERS
from movierec.features.content import ContentVectors
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from tests.test_graph import settings_for, write_movielens

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Dagster's and MLflow's own code
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def run_planned(settings, instance, *names, only_latest=False):
    """Runs the named assets and all that they are made of; the results by partition, in order."""
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()
    chosen = dg.AssetSelection.assets(*names).upstream().resolve(graph)
    job = definitions.resolve_implicit_global_asset_job_def()
    results = []
    for planned in plan_runs(definitions, chosen, sample="full", store=settings.layout.store, only_latest=only_latest):
        result = job.execute_in_process(
            instance=instance,
            partition_key=planned.partition_key,
            asset_selection=sorted(planned.assets),
            raise_on_error=False,
        )
        assert result.success, planned.partition_key
        results.append((str(planned.partition_key), planned.assets, result))
    return results


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as own:
        yield own


def write_ratings_of_a_week(folder):
    """Every second user rates in one sitting, the others come back every six hours."""
    path = write_movielens(folder) / "ratings.csv"
    comes_back = pl.col("userId") % 2 == 0
    later = 1_000_000_000 + 6 * 3_600 * pl.int_range(pl.len()).over("userId") + pl.col("userId")
    ratings = pl.read_csv(path)
    ratings.with_columns(timestamp=pl.when(comes_back).then(later).otherwise("timestamp")).write_csv(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory, instance):
    """A home whose windows are all made, and what was run for it."""
    folder = tmp_path_factory.mktemp("backtest")
    write_ratings_of_a_week(folder / "movielens")
    settings = settings_for(folder)
    return settings, run_planned(settings, instance, "published", "backtest_comparison")


def read(settings, name):
    return pl.read_parquet(settings.layout.store / "full" / f"{name}.parquet")


def test_windows_are_run_between_what_they_read_and_what_reads_them(home):
    settings, results = home
    windows = read(settings, "windows")["window"].to_list()
    assert len(windows) == 6  # days; before the first lie too few ratings
    partitions = [partition for partition, _, _ in results]
    assert partitions == ["full", *(f"full|{name}" for name in windows), "full"]
    assert dg.AssetKey("windows") in results[0][1]
    assert dg.AssetKey("served_ranker") in results[-1][1]


def test_all_windows_but_the_last_are_measured(home):
    settings, _ = home
    windows = read(settings, "windows")["window"].to_list()
    scores = read(settings, "backtest_scores")
    measured = sorted(scores["window"].unique())
    assert measured == windows[1:-1]  # the first has no label rows before it
    assert read(settings, f"window_rankings/{windows[-1]}")["window"].unique().to_list() == windows[-1:]
    table = read(settings, "backtest_evaluation").filter(segment=RATERS, metric="ndcg_at_10")
    assert {"two_stage", "blend", "ease", "random", "recent_popularity"} <= set(table["model"])
    value = dict(table.select("model", "value").iter_rows())
    assert value["ease"] > 3 * value["random"]


def test_what_is_served_is_chosen_and_judged_in_the_windows(home):
    settings, results = home
    folder = current_version(settings.layout.locate_bundles("full"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["split"] == BACKTEST
    table = read(settings, "backtest_evaluation").filter(segment=RATERS, metric="ndcg_at_10")
    served = table.filter(model=manifest["serves"])["value"].item()
    candidates = ["two_stage", "blend", *RECOMMENDER_CHANNELS["two_stage"]]
    assert served == table.filter(pl.col("model").is_in(candidates))["value"].max()
    scores = pl.read_parquet(folder / "scores.parquet")
    assert scores.columns == ["window", "fingerprint", "user_id", "ndcg_at_10"]
    n_cases = len(
        read(settings, "backtest_scores").filter(pl.col("segment").is_in([RETURNING, NEWCOMERS]), model="ease")
    )
    assert len(scores) == n_cases
    (told,) = (
        each for each in results[-1][2].get_asset_materialization_events() if each.asset_key.path == ["served_ranker"]
    )
    assert told.materialization.metadata["learnt_from"].value == "window_label_rows"


def test_nothing_after_the_cut_of_a_window_reaches_what_is_recommended_in_it(home, instance, tmp_path):
    """Likes and dislikes from the cut on change places: fits, features and rankings of returning users stay."""
    before, _ = home
    settings = before.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(before.layout.store, settings.layout.store)
    window = read(settings, "windows").row(4, named=True)
    after = pl.col("rated_at") >= window["cut"]
    ratings = read(settings, "ratings")
    turned = ratings.with_columns(rating=pl.when(after).then(7 - pl.col("rating")).otherwise("rating"))
    assert not turned.equals(ratings)
    turned.with_columns(pl.col("rating").cast(pl.Float32)).write_parquet(
        settings.layout.store / "full" / "ratings.parquet"
    )
    with dg.DagsterInstance.ephemeral() as own:
        own.add_dynamic_partitions("window", read(settings, "windows")["window"].to_list())
        job = build_definitions(settings).resolve_job_def("backtest")
        key = dg.MultiPartitionKey({"sample": "full", "window": window["window"]})
        names = ["window_retrieval", "window_label_rows", "window_rankings"]
        assert job.execute_in_process(
            instance=own, partition_key=key, asset_selection=[dg.AssetKey(name) for name in names]
        ).success
    rankings = f"window_rankings/{window['window']}"
    old, new = (read(each, rankings).filter(segment=RETURNING) for each in (before, settings))
    assert len(old)
    assert old.equals(new)
    labels = f"window_label_rows/{window['window']}"
    old, new = (read(each, labels).filter(segment=RETURNING) for each in (before, settings))
    features = [name for name in old.columns if name not in ("relevant", "gain")]
    both = ["user_id", "movie_id"]
    assert (
        old.join(new, on=both, how="semi").select(features).equals(new.join(old, on=both, how="semi").select(features))
    )


def run_window(settings, instance, name, asset):
    """One asset of one window, from the stored tables."""
    key = dg.MultiPartitionKey({"sample": "full", "window": name})
    job = build_definitions(settings).resolve_job_def("backtest")
    return job.execute_in_process(
        instance=instance, partition_key=key, asset_selection=[dg.AssetKey(asset)], raise_on_error=False
    )


@pytest.fixture
def copied(home, tmp_path):
    """The same home once more, and an instance that knows its windows."""
    settings = settings_for(tmp_path)
    shutil.copytree(home[0].layout.store, settings.layout.store)
    with dg.DagsterInstance.ephemeral() as own:
        own.add_dynamic_partitions("window", read(settings, "windows")["window"].to_list())
        yield settings, own


def test_all_models_that_fail_in_a_window_are_named_and_the_others_are_measured(copied, monkeypatch, capfd):
    settings, instance = copied

    def fail(*_, **__):
        raise ZeroDivisionError("a planted fault")

    for kind in (SVD, ItemKNN, ContentVectors):
        monkeypatch.setattr(kind, "fit" if kind is not ContentVectors else "__init__", fail)
    window = read(settings, "windows")["window"][2]
    result = run_window(settings, instance, window, "window_rankings")
    assert result.success
    (event,) = result.get_asset_materialization_events()
    left_out = event.materialization.metadata["left_out"].value
    assert [each.partition(":")[0] for each in left_out.split("; ")] == ["svd", "item_knn", "content"]
    models = set(read(settings, f"window_rankings/{window}")["model"])
    assert models.isdisjoint({"svd", "item_knn", "content"})
    assert models >= {"two_stage", "ease", "als"}
    assert "make pipeline SAMPLE=full`" in capfd.readouterr().err


def test_a_window_in_which_nobody_liked_anything_has_no_rankings(copied):
    settings, instance = copied
    ratings = settings.layout.store / "full" / "ratings.parquet"
    pl.read_parquet(ratings).with_columns(rating=pl.lit(1.0, pl.Float32)).write_parquet(ratings)
    window = read(settings, "windows")["window"][2]
    assert run_window(settings, instance, window, "window_relevant").success
    assert run_window(settings, instance, window, "window_rankings").success
    assert read(settings, f"window_rankings/{window}").is_empty()


def test_a_window_that_is_none_of_the_sample_says_which_there_are(home, instance):
    settings, _ = home
    instance.add_dynamic_partitions("window", ["1999-01-01"])
    key = dg.MultiPartitionKey({"sample": "full", "window": "1999-01-01"})
    result = (
        build_definitions(settings)
        .resolve_job_def("backtest")
        .execute_in_process(
            instance=instance, partition_key=key, asset_selection=[dg.AssetKey("window_relevant")], raise_on_error=False
        )
    )
    instance.delete_dynamic_partition("window", "1999-01-01")
    (failure,) = result.get_step_failure_events()
    assert "1999-01-01 is no window of the sample full: choose one of 2001-" in str(failure.step_failure_data.error)


def test_only_the_last_windows_are_made_for_a_first_bundle_and_none_twice(tmp_path):
    write_ratings_of_a_week(tmp_path / "movielens")
    settings = settings_for(tmp_path)
    with dg.DagsterInstance.ephemeral() as own:
        results = run_planned(settings, own, "served_ranker", "backtest_evaluation", only_latest=True)
        windows = read(settings, "windows")["window"].to_list()
        made = {partition.removeprefix("full|"): assets for partition, assets, _ in results if "|" in partition}
        assert list(made) == windows[-5:]
        ranked = [name for name, assets in made.items() if dg.AssetKey("window_rankings") in assets]
        assert ranked == windows[-3:-1]
        assert set(read(settings, "backtest_scores")["window"]) == set(ranked)
        again = run_planned(settings, own, "served_ranker", "backtest_evaluation", only_latest=True)
        assert [partition for partition, _, _ in again] == ["full", "full"]


def test_windows_of_other_ratings_are_not_learnt_from(home, tmp_path):
    """As after another source was chosen for the same home."""
    settings = settings_for(tmp_path)
    shutil.copytree(home[0].layout.store, settings.layout.store)
    path = settings.layout.store / "full" / "windows.parquet"
    windows = pl.read_parquet(path)
    changed = pl.int_range(pl.len()) > 2
    windows.with_columns(fingerprint=pl.col("fingerprint") + changed.cast(pl.UInt64)).write_parquet(path)
    with dg.DagsterInstance.ephemeral() as own:
        own.add_dynamic_partitions("window", windows["window"].to_list())
        job = build_definitions(settings).resolve_job_def("everything")
        chosen = [dg.AssetKey("served_ranker"), dg.AssetKey("backtest_scores")]
        assert job.execute_in_process(instance=own, partition_key="full", asset_selection=chosen).success
    assert set(read(settings, "backtest_scores")["window"]) == set(windows["window"][1:3])
    folder = settings.layout.store / "full" / "served_ranker"
    assert Ranker.load(folder / (folder / "CURRENT").read_text()).n_candidates > 0


def test_the_sensor_asks_for_the_windows_that_are_missing_or_of_other_ratings(home, tmp_path):
    settings = settings_for(tmp_path)
    shutil.copytree(home[0].layout.store, settings.layout.store)
    definitions = build_definitions(settings)
    windows = read(settings, "windows")
    names, fingerprints = windows["window"], windows["fingerprint"]

    def list_requested(instance):
        context = dg.SensorEvaluationContext(
            instance_ref=instance.get_ref(),
            last_tick_completion_time=None,
            last_run_key=None,
            cursor=None,
            repository_name=None,
            instance=instance,
            repository_def=definitions.get_repository_def(),
        )
        with context:
            requests = definitions.resolve_sensor_def("new_windows").evaluate_tick(context).run_requests
        return {str(each.partition_key): each.run_key for each in requests}

    with dg.instance_for_test() as own:
        job = definitions.resolve_job_def("everything")
        job.execute_in_process(instance=own, partition_key="full", asset_selection=[dg.AssetKey("windows")])
        # Nothing can be ranked in the first window. Its run key stays the same, so it is run once.
        assert list(list_requested(own)) == [f"full|{names[0]}"]
        folder = settings.layout.locate_tables("full")
        (folder / "window_relevant" / f"{names[2]}.parquet").unlink()
        changed = folder / "window_rankings" / f"{names[3]}.parquet"
        pl.read_parquet(changed).with_columns(fingerprint=pl.lit(1, pl.UInt64)).write_parquet(changed)
        requested = list_requested(own)
    assert list(requested) == [f"full|{names[at]}" for at in (0, 2, 3)]
    assert all(requested[f"full|{names[at]}"].endswith(str(fingerprints[at])) for at in (0, 2, 3))
