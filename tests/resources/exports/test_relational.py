"""The relational home: the same tables in SQLite and in PostgreSQL, replaced whole."""

import shutil
import sqlite3
from contextlib import closing

import dagster as dg
import polars as pl
import psycopg
import pytest

from assets.definitions import build_definitions
from movierec.candidates.popularity import Popularity
from movierec.catalog.catalog import build_catalogue
from movierec.data.interactions import Interactions
from movierec.data.schema import LINKS
from movierec.settings import Settings, SettingsError
from resources.exports.relational import POSTGRES_SCHEMA, ExportError, RelationalStore, build_relations
from resources.sources.dataset import Dataset
from tests import factories

VARIABLE = "MOVIEREC_EXPORT_DATABASE_URL"
TITLES = {1: 'Say "Hi", Mum', 2: "Zürich; DROP TABLE movies", 3: "two\nlines"}


def tables(n_movies=4, rated=((7, 1, 4.5), (7, 2, 3.0), (9, 1, 5.0))):
    rated = factories.make_ratings(*rated)
    stats = Popularity.fit(Interactions.from_ratings(rated)).compute_movie_stats().lazy()
    links = pl.LazyFrame({"movie_id": [1], "imdb_id": [114709], "tmdb_id": [862]}, schema=LINKS)
    return build_relations(
        build_catalogue(factories.make_movies(n_movies, TITLES), links, stats, factories.make_tags()), rated
    )


@pytest.fixture(params=["sqlite", "sqlite by url", "postgresql"])
def home(request, tmp_path, monkeypatch):
    """Writes tables, and asks of what was written."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        monkeypatch.setenv(VARIABLE, url)
        return Home(RelationalStore(folder=""), url=url)
    path = tmp_path / "full.db"
    if request.param == "sqlite by url":
        monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    return Home(RelationalStore(folder=str(tmp_path)), path=path)


class Home:
    def __init__(self, store, *, path=None, url=None):
        self.store, self.path, self.url = store, path, url

    def connect(self):
        if self.path:
            return sqlite3.connect(self.path)
        return psycopg.connect(self.url, options=f"-c search_path={POSTGRES_SCHEMA}")

    def write(self, given):
        return self.store.write_relations("full", given)

    def ask(self, query):
        with closing(self.connect()) as database:
            return database.cursor().execute(query).fetchall()


def test_every_row_is_written_with_its_values(home):
    home.write(tables())
    assert home.ask("SELECT movie_id, title, year, imdb_id FROM movies ORDER BY movie_id") == [
        (1, TITLES[1], 1981, 114709),
        (2, TITLES[2], 1982, None),
        (3, TITLES[3], 1983, None),
        (4, "Movie 4", 1984, None),
    ]
    assert home.ask("SELECT * FROM movie_genres WHERE movie_id = 2 ORDER BY genre") == [(2, "Action"), (2, "Sci-Fi")]
    assert home.ask("SELECT * FROM users ORDER BY user_id") == [(7, 2, 3.75), (9, 1, 5.0)]
    rows = home.ask("SELECT user_id, movie_id, rating, rated_at FROM interactions ORDER BY user_id, movie_id")
    assert [(*row[:3], str(row[3])) for row in rows] == [
        (7, 1, 4.5, "2001-01-01 00:00:00"),
        (7, 2, 3.0, "2001-01-02 00:00:00"),
        (9, 1, 5.0, "2001-01-03 00:00:00"),
    ]


def test_writing_again_replaces_and_never_adds(home):
    home.write(tables())
    home.write(tables(n_movies=2, rated=((1, 2, 1.0),)))
    home.write(tables(n_movies=2, rated=((1, 2, 1.0),)))
    counts = [home.ask(f"SELECT count(*) FROM {name}")[0][0] for name in ("movies", "users", "interactions")]  # noqa: S608
    assert counts == [2, 1, 1]


def test_keys_and_references_hold_after_every_writing(home):
    for _ in range(2):
        home.write(tables())
        for row in ("(7, 1, 1.0, '2001-01-01')", "(7, 99, 1.0, '2001-01-01')", "(99, 1, 1.0, '2001-01-01')"):
            with closing(home.connect()) as database:
                if home.path:
                    database.execute("PRAGMA foreign_keys = ON")
                with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
                    database.cursor().execute(f"INSERT INTO interactions VALUES {row}")  # noqa: S608


def test_indexes_are_there_under_their_names(home):
    for _ in range(2):
        home.write(tables())
    query = "SELECT name FROM sqlite_master WHERE type = 'index'" if home.path else "SELECT indexname FROM pg_indexes"
    found = {name for (name,) in home.ask(query)}
    assert {"movie_genres_by_genre", "movies_by_popularity", "interactions_by_movie"} <= found


def test_a_failed_writing_leaves_the_old_tables(home):
    home.write(tables())
    twice = tables() | {"users": pl.LazyFrame({"user_id": [1, 1], "n_ratings": [1, 1], "mean_rating": [1.0, 1.0]})}
    with pytest.raises((sqlite3.IntegrityError, ExportError)):
        home.write(twice)
    assert home.ask("SELECT count(*) FROM interactions") == [(3,)]
    home.write(tables())


def test_a_reader_sees_old_or_new_and_holds_nothing_up(home):
    home.write(tables())
    with closing(home.connect()) as reader:
        cursor = reader.cursor()
        if home.path:
            cursor.execute("BEGIN")
            assert cursor.execute("SELECT count(*) FROM movies").fetchall() == [(4,)]
            home.write(tables(n_movies=2))
            assert cursor.execute("SELECT count(*) FROM movies").fetchall() == [(4,)]
    assert home.ask("SELECT count(*) FROM movies") == [(2 if home.path else 4,)]


def test_other_tables_of_the_database_stay(home):
    mine = "mine" if home.path else "public.mine"
    with closing(home.connect()) as database:
        database.cursor().execute(f"CREATE TABLE {mine} (a integer)")
        database.commit()
    home.write(tables())
    assert home.ask(f"SELECT * FROM {mine}") == []  # noqa: S608


def test_of_a_shared_database_only_the_own_tables_are_analysed(postgres_url, monkeypatch):
    monkeypatch.setenv(VARIABLE, postgres_url)
    home = Home(RelationalStore(folder=""), url=postgres_url)
    with closing(home.connect()) as database:
        database.cursor().execute("CREATE TABLE public.theirs AS SELECT 1 AS a")
        database.commit()
    home.write(tables())
    query = "SELECT reltuples FROM pg_class WHERE oid = '{}'::regclass"  # -1 until it is analysed
    assert home.ask(query.format("public.theirs")) == [(-1,)]
    assert home.ask(query.format(f"{POSTGRES_SCHEMA}.interactions")) == [(3,)]


def test_a_database_that_is_not_there_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv(VARIABLE, "postgresql://me:secret@127.0.0.1:1/films")
    with pytest.raises(ExportError, match=r"database films of 127\.0\.0\.1") as error:
        RelationalStore(folder="").write_relations("full", tables())
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hid/den@127.0.0.1:1/films",
        "postgresql://me:hid@den@127.0.0.1:1/films",
        "postgresql://me:hid?den@127.0.0.1:1/films",
        "postgresql://me:hid%den@127.0.0.1:1/films",
        "postgresql://me:[hid]den@127.0.0.1:1/films",
        "postgresql://me:hid#den@127.0.0.1:1/films",
        "postgresql://me:hid den:hid@127.0.0.1:1/films",
        "postgresql://me:hidden/films",
        "postgresql://127.0.0.1:1/films?user=me&password=hid&den",
        "postgresql://me:hid%2Fden@127.0.0.1:1/films",
    ],
)
def test_no_part_of_a_password_is_told_however_it_is_written(url, monkeypatch):
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises((ExportError, SettingsError), match=rf"{VARIABLE}|database films of 127\.0\.0\.1") as error:
        RelationalStore(folder="").write_relations("full", tables())
    assert "hid" not in str(error.value)
    assert "den" not in str(error.value)


def test_an_escaped_password_is_written_with(postgres_url, monkeypatch):
    scheme, _, rest = postgres_url.partition("://")
    address, _, query = rest.partition("?")
    user, _, host = address.rpartition("@")
    given = f"{scheme}://{user.partition(':')[0]}:a%2Fb%40c@{host}" + (f"?{query}" if query else "")
    monkeypatch.setenv(VARIABLE, given)
    assert RelationalStore(folder="").write_relations("full", tables()).startswith("PostgreSQL database ")


@pytest.fixture
def settings(tmp_path):
    """A home with a bundle, and with a rating of the same data in its store."""
    found = Settings(home=tmp_path)
    store = found.layout.store / "full"
    (store / "dataset" / "v").mkdir(parents=True)
    Dataset("movielens", tmp_path, "of today", "made up").save(store / "dataset" / "v")
    (store / "dataset" / "CURRENT").write_text("v")
    factories.make_ratings((7, 1, 4.5)).sink_parquet(store / "ratings.parquet")
    factories.publish_small_bundle(
        tmp_path, source={"name": "movielens", "description": "made up", "version": "of today"}
    )
    return found


def export(settings):
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            build_definitions(settings)
            .resolve_job_def("export")
            .execute_in_process(instance=instance, partition_key="full", raise_on_error=False)
        )


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_the_asset_writes_the_published_catalogue(settings):
    result = export(settings)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert (metadata["interactions"].value, metadata["movies"].value, metadata["bundle"].value) == (1, 42, "v1")
    with closing(sqlite3.connect(settings.layout.exports / "full.db")) as database:
        assert database.execute("SELECT count(*) FROM movies").fetchall() == [(42,)]


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
@pytest.mark.parametrize(
    ("folder", "says"),
    [(None, "nothing is published"), ("v2", "bundle v2 was published of version of yesterday of the data")],
)
def test_ratings_of_other_data_than_the_published_are_not_written(settings, folder, says):
    if folder:
        factories.publish_small_bundle(settings.home, folder, source={"version": "of yesterday"})
    else:
        shutil.rmtree(settings.layout.locate_bundles("full"))
    (failure,) = export(settings).get_step_failure_events()
    assert says in failure.step_failure_data.user_failure_data.description
    assert not (settings.layout.exports / "full.db").exists()


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_no_run_of_everything_writes_the_relational_home(tmp_path):
    everything = (
        build_definitions(Settings(home=tmp_path)).resolve_job_def("everything").asset_layer.executable_asset_keys
    )
    assert dg.AssetKey("relational_export") not in everything
    assert dg.AssetKey("published") in everything
