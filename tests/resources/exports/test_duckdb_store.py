import io
import subprocess
import sys

import polars as pl
import pytest

from assets.commands import store as command
from movierec.catalog.clusters import class_tfidf
from movierec.data.cleaning import standardize_ratings
from movierec.features.content import tag_counts
from movierec.settings import ROOT
from resources.exports import duckdb_store
from tests import factories


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "it's a store"
    folder.mkdir()
    ratings = factories.make_ratings((1, 1, 4.0), (1, 2, 2.0))
    ratings.sink_parquet(folder / "ratings.parquet")
    factories.make_movies(2).sink_parquet(folder / "movies.parquet")
    standardize_ratings(ratings).collect().write_parquet(folder / "standardized_ratings.parquet")
    tags = pl.DataFrame(
        [(1, 2, "Noir"), (2, 2, "noir\t"), (1, 2, "a, b"), (1, 2, "\u00a0slow"), (1, 2, " "), (2, 1, "\t")],
        schema=["user_id", "movie_id", "tag"],
        orient="row",
    )
    tags.write_parquet(folder / "tags.parquet")
    clusters = pl.DataFrame({"movie_id": [1, 2], "cluster": [1, 0]}, {"movie_id": pl.Int32, "cluster": pl.Int16})
    clusters.write_parquet(folder / "clusters.parquet")
    class_tfidf(clusters, tag_counts(tags)).write_parquet(folder / "cluster_tags.parquet")
    return folder


def test_every_table_is_a_view(store):
    database = duckdb_store.connect_to_store(store)
    assert database.execute("SELECT count(*) FROM ratings JOIN movies USING (movie_id)").fetchone() == (2,)


def test_an_empty_store_says_what_to_run(tmp_path):
    with pytest.raises(duckdb_store.FeatureStoreError, match="make pipeline SAMPLE=10pct"):
        duckdb_store.connect_to_store(tmp_path / "10pct")


def test_exports_have_the_names_of_movielens(store, tmp_path):
    paths = {path.stem: pl.read_csv(path) for path in duckdb_store.export_tables(store, tmp_path / "out")}
    assert paths["cleaned_movies"].columns == ["movieId", "title", "displayTitle", "year", "genres"]
    assert paths["cleaned_movies"]["genres"].to_list() == ["Comedy", "Action|Sci-Fi"]
    assert paths["cleaned_ratings"].columns == ["userId", "movieId", "rating", "timestamp"]
    assert paths["cleaned_ratings"]["timestamp"][0] == 978307200
    assert paths["standardized_ratings"]["standardizedRating"].sum() == pytest.approx(0, abs=1e-6)


def test_exported_clusters_come_with_their_movies_and_tags(store, tmp_path):
    paths = {path.stem: pl.read_csv(path) for path in duckdb_store.export_tables(store, tmp_path / "out")}
    movies = paths["clusters_movies_with_tags"]
    assert movies.columns == ["movieId", "title", "genres", "cluster", "tags"]
    assert movies.select("movieId", "cluster", "tags").rows() == [(2, 0, "noir|a, b|slow"), (1, 1, "")]
    tags = paths["sorted_tags_by_cluster"]
    assert tags.columns == ["cluster", "rank", "tag", "score", "people", "movies"]
    assert tags.select("cluster", "rank", "tag", "people").rows() == [
        (0, 1, "noir", 2),
        (0, 2, "a, b", 1),
        (0, 3, "slow", 1),
    ]


def test_an_export_without_a_table_names_it_and_writes_nothing(store, tmp_path):
    (store / "standardized_ratings.parquet").unlink()
    with pytest.raises(
        duckdb_store.FeatureStoreError, match=r"lacks the table standardized_ratings: run `make pipeline"
    ) as error:
        duckdb_store.export_tables(store, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_an_export_of_a_table_without_a_column_says_which_on_one_line(store, tmp_path):
    pl.DataFrame({"movie_id": [1]}).write_parquet(store / "movies.parquet")
    with pytest.raises(duckdb_store.FeatureStoreError, match=r"title.*`make pipeline SAMPLE=") as error:
        duckdb_store.export_tables(store, tmp_path / "out")
    assert "\n" not in str(error.value)


def test_a_torn_table_is_named_on_one_line(store):
    (store / "movies.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(duckdb_store.FeatureStoreError, match=r"movies\.parquet.*`make pipeline SAMPLE=") as error:
        duckdb_store.connect_to_store(store)
    assert "\n" not in str(error.value)


@pytest.fixture
def piped(store, monkeypatch, capsys):
    """Answers what is written to the prompt by a pipe: how many statements failed, output, errors."""

    def ask(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return command.run_sql_prompt(store), *capsys.readouterr()

    return ask


def test_the_prompt_answers_statements_and_survives_a_wrong_one(piped):
    failed, out, err = piped("select max(rating)\n  from ratings;\nselect nonsense;\nselec 1;\nselect 41 + 1;\n")
    assert failed == 2
    assert "4.0" in out
    assert "nonsense" in err
    assert "selec" in err
    assert "42" in out


@pytest.mark.parametrize(
    "text",
    [
        "select 41 + 1",
        "select 41 + 1\n",
        "select 41\n + 1",
        "select 41 + 1; -- the é; answer\n",
        "select 41 + 1; /* a */ /* b */",
    ],
)
def test_the_last_statement_needs_no_semicolon(piped, text):
    failed, out, err = piped(text)
    assert "42" in out
    assert (failed, err) == (0, "")


def test_every_statement_of_a_line_is_run(piped):
    failed, out, _ = piped("select 41 + 1; select nonsense; select 'é;b' /* c; */; -- d;\nselect 6 * 111;")
    assert all(answer in out for answer in ("42", "é;b", "666"))
    assert failed == 1


def test_a_semicolon_at_the_end_of_a_line_may_stand_in_a_text(piped):
    failed, out, _ = piped("select length('a;\n;b');\n-- end\n")
    assert failed == 0
    assert "5" in out


def test_a_text_that_is_never_closed_fails(piped):
    failed, _, err = piped("select 'a;\n")
    assert failed == 1
    assert "unterminated" in err


def run(*arguments, text="", **settings):
    """The command as make runs it: exit code, output, errors."""
    environment = {"PATH": "", **{f"MOVIEREC_{name}": str(value) for name, value in settings.items()}}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_failed_statement_of_a_pipe_is_exit_code_1(store, tmp_path):
    (tmp_path / "store").mkdir()
    store.rename(tmp_path / "store" / "full")
    code, out, err = run("assets.commands.store", "sql", text="select nonsense; select 41 + 1", HOME=tmp_path)
    assert code == 1
    assert "42" in out
    assert "nonsense" in err
    assert run("assets.commands.store", "sql", text="select count(*) from ratings", HOME=tmp_path)[0] == 0


@pytest.mark.parametrize(
    "module",
    [
        ("assets.commands.store", "sql"),
        ("assets.commands.store", "export"),
        ("assets.commands.results",),
        ("assets.commands.recommend",),
        ("assets.commands.ablation",),
        ("assets.commands.counterparts",),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path, module):
    code, out, err = run(*module, HOME=tmp_path, WEB_PORT="eighty")
    assert (code, out) == (2, "")
    assert err == "MOVIEREC_WEB_PORT is 'eighty'; wanted is a port, a number from 1 to 65535\n"


@pytest.mark.parametrize("what", ["sql", "export"])
def test_an_empty_store_is_one_line_and_exit_code_1(tmp_path, what):
    code, out, err = run("assets.commands.store", what, HOME=tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "make pipeline" in err
