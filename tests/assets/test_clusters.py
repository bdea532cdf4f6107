"""Clusters in the graph: what they read, what they show, what stands apart from them."""

import shutil

import dagster as dg
import polars as pl
import pytest

from assets.commands import pipeline
from assets.definitions import build_definitions
from movierec.bundles.companion import Companion
from movierec.bundles.versioned_folders import current_version
from resources.sources.sources import acquire_dataset
from tests import factories
from tests.serving.api.test_runs import TOKEN, FakeDagster, launched, site
from tests.serving.asking import post_json
from tests.serving.conftest import wait_until_true
from tests.test_graph import above, metadata_of, run, settings_for, write_movielens

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def clustered(tmp_path_factory):
    """The assets up to `companion` over movies of two kinds, tagged by a few."""
    folder = tmp_path_factory.mktemp("clusters")
    movielens = write_movielens(folder / "movielens")
    tags = [
        f"{user},{movie},{'SPACE' if movie % 2 else 'funny'},1000000000" for user in (1, 2) for movie in range(1, 20)
    ]
    (movielens / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + "\n".join(tags) + "\n")
    settings = settings_for(folder)
    result = run(settings, selection=above(settings, "companion"))
    assert result.success
    return settings, result


def table(settings, name):
    return pl.read_parquet(settings.layout.store / "full" / f"{name}.parquet")


def test_every_movie_is_in_one_of_ten_clusters(clustered):
    settings, _ = clustered
    clusters = table(settings, "clusters")
    assert clusters["movie_id"].to_list() == list(range(1, 81))
    sizes = clusters.group_by("cluster").len().sort("cluster")["len"].to_list()
    assert len(sizes) == 10
    assert sizes == sorted(sizes, reverse=True)


def test_metadata_has_sizes_silhouettes_and_a_map(clustered):
    _, result = clustered
    metadata = metadata_of(result, "clusters")
    assert metadata["k"].value == 10
    assert -1 <= metadata["silhouette"].value <= 1
    assert all(word in metadata["clusters"].value for word in ("silhouette", "genres", "Comedy"))
    assert "data:image/png;base64" in metadata["map"].value


def test_popular_tags_are_kept_by_cluster(clustered):
    settings, result = clustered
    tags = table(settings, "cluster_tags")
    assert set(tags["tag"]) == {"space", "funny"}
    assert "space" in metadata_of(result, "cluster_tags")["top"].value


def test_the_run_configuration_sets_k(clustered, tmp_path):
    shutil.copytree(clustered[0].layout.store, tmp_path / "home" / "store")
    settings = settings_for(tmp_path)
    job = build_definitions(settings).resolve_job_def("everything")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            partition_key="full",
            asset_selection=[dg.AssetKey("clusters")],
            run_config={"ops": {"clusters": {"config": {"k": 3, "factor_weight": 0.5}}}},
        )
    assert metadata_of(result, "clusters")["k"].value == 3
    assert table(settings, "clusters")["cluster"].n_unique() == 3


@pytest.mark.parametrize("k", [0, -1])
def test_a_number_of_clusters_that_cannot_be_is_told(clustered, k):
    job = build_definitions(clustered[0]).resolve_job_def("train_kmeans")
    config = {"ops": {"clusters": {"config": {"k": k}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key="full", run_config=config, raise_on_error=False
        )
    (failure,) = result.get_step_failure_events()
    cause = failure.step_failure_data.error.cause
    assert cause.cls_name == "ValidationError"
    assert "k\n  Input should be greater than or equal to 1" in cause.message


def test_the_companion_is_published_for_the_site(clustered):
    settings, result = clustered
    found = Companion.open(current_version(settings.home / "companion" / "full"))
    assert found.manifest["run_id"] == result.run_id
    assert found.manifest["source"]["name"] == "movielens"
    assert len(found.clusters.clusters) == 10
    assert found.content.find_nearest(1, n=3)[0].tolist()


def remove(companion):
    shutil.rmtree(companion)


def spoil(companion):
    (current_version(companion) / "clusters" / "members.parquet").write_bytes(b"")


def of_older_data(companion):
    factories.publish_small_companion(companion.parents[1], "c0", source={"name": "movielens", "version": "older"})


@pytest.mark.parametrize("fault", [remove, spoil, of_older_data])
def test_a_companion_that_cannot_be_served_is_made_again_and_nothing_else(
    clustered, tmp_path, monkeypatch, capsys, fault
):
    settings = settings_for(tmp_path)
    shutil.copytree(clustered[0].home, settings.home)
    shutil.copytree(clustered[0].source, settings.source)
    dataset = acquire_dataset(settings.source, settings.layout.raw)
    source = {"name": dataset.name, "description": dataset.description, "version": dataset.version}
    factories.publish_small_bundle(settings.home, source=source, sample="full")
    fault(settings.layout.locate_companions("full"))
    for name, value in {"MOVIEREC_HOME": settings.home, "MOVIEREC_SOURCE": settings.source, "DAGSTER_HOME": ""}.items():
        monkeypatch.setenv(name, str(value))
    assert pipeline.main(["--if-needed"]) == 0
    assert "sample full, 3 assets" in capsys.readouterr().out
    assert Companion.open(current_version(settings.layout.locate_companions("full"))).manifest["source"] == source
    assert pipeline.main(["--if-needed"]) == 0
    assert capsys.readouterr().out.startswith("Up to date: bundle v1")


def test_the_job_of_the_site_makes_clusters_and_publishes_them_and_nothing_else(tmp_path):
    job = build_definitions(settings_for(tmp_path)).resolve_job_def("train_kmeans")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
        "clusters",
        "cluster_tags",
        "companion",
    }


def test_what_the_site_asks_of_dagster_runs_and_the_site_serves_it_without_a_restart(clustered, tmp_path):
    settings = settings_for(tmp_path)
    shutil.copytree(clustered[0].home, settings.home)
    source = Companion.open(current_version(settings.layout.locate_companions("full"))).manifest["source"]
    factories.publish_small_bundle(settings.home, source=source)
    fake = FakeDagster(launchRun=launched())
    browser = site(settings.home, fake)
    before = browser.get("/health").json()["companion"]
    assert post_json(browser, "/train-kmeans", {"k": 3}, **TOKEN).status_code == 202
    asked = fake.asked[-1]["params"]
    job = build_definitions(settings).resolve_job_def(asked["selector"]["pipelineName"])
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key="full", run_config=asked["runConfigData"], raise_on_error=False
        )
    assert result.success
    assert wait_until_true(lambda: browser.get("/health").json()["companion"] != before)
    assert browser.get("/health").json()["status"] == "ok"
    served = [browser.get(f"/recommend?movie_id={movie}").json()["cluster"] for movie in range(1, 41)]
    assert served == table(settings, "clusters")["cluster"].to_list()[:40]
    assert table(settings, "clusters")["cluster"].n_unique() == 3


def test_what_is_published_waits_for_no_clusters(tmp_path):
    assert not [
        name for name in above(settings_for(tmp_path), "published") if name.startswith(("cluster", "companion"))
    ]
