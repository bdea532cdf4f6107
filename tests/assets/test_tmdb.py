"""The metadata assets against a TMDB on this machine; nothing of theirs ever fails a run."""

import dagster as dg
import polars as pl
import pytest

from assets.definitions import build_definitions
from movierec.bundles.descriptions import LiveDescriptions
from movierec.catalog.catalog import Movie
from movierec.settings import Settings
from movierec.tmdb.metadata import Metadata
from resources.exports.duckdb_store import connect_to_store
from resources.tmdb import client
from tests.fake_tmdb import V3_KEY, FakeTmdb, serve_app

METADATA = ["tmdb_metadata", "descriptions", "posters"]


def movie(movie_id, title, year, *, n_ratings=10, tmdb_id=None):
    return Movie(movie_id, title, year, (), None, 4.0, n_ratings, None, tmdb_id)


@pytest.fixture
def fake():
    return FakeTmdb()


@pytest.fixture
def settings(tmp_path, fake, monkeypatch):
    """Settings of a home with a catalogue, and a TMDB that answers."""
    monkeypatch.setenv("TMDB_API_KEY", V3_KEY)
    monkeypatch.setattr(client, "REQUESTS_PER_SECOND", 10_000)
    rows = [
        movie(1, "Toy Story", 1995, tmdb_id=862),
        movie(2, "The Matrix", 1999, n_ratings=99),
        movie(3, "None", 2001),
    ]
    with serve_app(fake.app) as address:
        found = Settings(home=tmp_path, tmdb_api=f"{address}/3", tmdb_images=f"{address}/t/p")
        (found.layout.store / "full").mkdir(parents=True)
        schema = {"year": pl.Int16, "popularity": pl.Float32, "imdb_id": pl.Int32, "tmdb_id": pl.Int32}
        pl.DataFrame(rows, schema_overrides=schema).write_parquet(found.layout.store / "full" / "catalogue.parquet")
        yield found


def run(settings, config=None):
    """Materialises the metadata, and gives the run's result, its instance's events as text, and the observations."""
    job = build_definitions(settings).resolve_job_def("everything")
    keys = [dg.AssetKey(name) for name in METADATA]
    ops = {"ops": {name: {"config": values} for name, values in (config or {}).items()}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, partition_key="full", asset_selection=keys, run_config=ops)
        told = "\n".join(repr(entry) for entry in instance.all_logs(result.run_id)) + repr(result.dagster_run)
    return result, told


def metadata_of(result, asset):
    (event,) = [each for each in result.get_asset_materialization_events() if each.asset_key.path == [asset]]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def materialised(result):
    return [each.asset_key.path[0] for each in result.get_asset_materialization_events()]


def test_a_run_writes_the_star_the_descriptions_and_the_posters(settings, fake):
    result, told = run(settings)
    assert materialised(result) == METADATA
    counts = metadata_of(result, "tmdb_metadata")
    assert {name: counts[name] for name in ("fetched", "not_found", "failed", "kept", "left", "movies_rows")} == {
        "fetched": 2,
        "not_found": 1,
        "failed": 0,
        "kept": 0,
        "left": 0,
        "movies_rows": 2,
    }
    described = LiveDescriptions(settings.layout.locate_descriptions("full"))()
    assert described.find_description(2).directors == ("Lilly Wachowski", "Lana Wachowski")
    posters = pl.read_parquet(settings.layout.store / "full" / "posters.parquet")
    assert posters["movie_id"].to_list() == [2, 1]
    assert all(
        (settings.layout.fetched_posters / file).stat().st_size == size
        for file, size in posters[["file", "bytes"]].rows()
    )
    query = 'SELECT name FROM tmdb_cast JOIN tmdb_persons USING (person_id) WHERE movie_id = 2 ORDER BY "order"'
    assert connect_to_store(settings.layout.store / "full").execute(query).fetchone() == ("Keanu Reeves",)
    assert V3_KEY not in told


def test_the_most_rated_come_first_and_the_next_run_goes_on(settings, fake):
    config = {"tmdb_metadata": {"new_movies": 1}, "posters": {"n": 1}}
    result, _ = run(settings, config)
    assert metadata_of(result, "tmdb_metadata")["left"] == 2
    assert [path for path in fake.requested_paths if "/movie/" in path] == ["/3/movie/603"]
    assert metadata_of(result, "posters")["fetched"] == 1
    result, _ = run(settings)
    assert (metadata_of(result, "tmdb_metadata")["kept"], metadata_of(result, "tmdb_metadata")["fetched"]) == (1, 1)
    assert metadata_of(result, "posters")["kept"] == 1


def test_without_a_key_all_is_skipped_and_said(settings, fake, monkeypatch):
    monkeypatch.delenv("TMDB_API_KEY")
    result, told = run(settings)
    assert result.success
    assert materialised(result) == []
    (observation,) = result.get_asset_observation_events()
    assert "TMDB_API_KEY is not set" in str(observation.event_specific_data)
    assert "TMDB_API_KEY is not set" in told
    assert fake.requested_paths == []


@pytest.mark.parametrize("key", ["wrong-key-of-v3", "wrong.key.of-v4"])
def test_a_refused_key_is_said_without_the_key_and_fails_nothing(settings, monkeypatch, key, caplog):
    monkeypatch.setenv("TMDB_API_KEY", key)
    result, told = run(settings)
    assert result.success
    assert materialised(result) == []
    assert "TMDB does not accept TMDB_API_KEY" in told
    assert key not in told
    assert key not in caplog.text


def test_a_tmdb_that_is_down_leaves_what_was_fetched_before(settings, fake, monkeypatch):
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    config = {"tmdb_metadata": {"new_movies": 1}}
    run(settings, config)
    fake.queued_faults.extend([500] * 100)
    fake.image_status = 500
    result, told = run(settings)
    assert metadata_of(result, "tmdb_metadata")["failed"] == 2
    assert metadata_of(result, "tmdb_metadata")["movies_rows"] == 1
    assert "status 500" in told
    assert len(LiveDescriptions(settings.layout.locate_descriptions("full"))()) == 1


@pytest.mark.parametrize("tmdb_features", [False, True])
def test_nothing_that_is_published_stands_below_metadata_and_metadata_comes_last(settings, tmdb_features):
    settings = settings.model_copy(update={"tmdb_features": tmdb_features})
    graph = build_definitions(settings).resolve_asset_graph()
    below = dg.AssetSelection.groups("metadata").downstream().resolve(graph)
    assert {key.to_user_string() for key in below} == set(METADATA)
    plan = build_definitions(settings).resolve_job_def("everything")
    assert {plan.get_node_named(name).tags["dagster/priority"] for name in METADATA} == {"-10"}


def test_a_loaded_star_is_what_was_written(settings):
    run(settings)
    home = settings.layout.store / "full" / "tmdb_metadata"
    assert len(Metadata.load(home / (home / "CURRENT").read_text()).movies) == 2
