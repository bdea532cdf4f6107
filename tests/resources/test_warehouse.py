import io

import polars as pl
import pytest

from movierec.cleaning import standardized_ratings
from resources import warehouse
from tests import factories


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "it's a store"
    folder.mkdir()
    ratings = factories.ratings((1, 1, 4.0), (1, 2, 2.0))
    ratings.sink_parquet(folder / "ratings.parquet")
    factories.movies(2).sink_parquet(folder / "movies.parquet")
    standardized_ratings(ratings).collect().write_parquet(folder / "standardized_ratings.parquet")
    return folder


def test_every_table_is_a_view(store):
    database = warehouse.connect(store)
    assert database.execute("SELECT count(*) FROM ratings JOIN movies USING (movie_id)").fetchone() == (2,)


def test_an_empty_store_says_what_to_run(tmp_path):
    with pytest.raises(warehouse.StoreError, match="make pipeline SAMPLE=10pct"):
        warehouse.connect(tmp_path / "10pct")


def test_exports_have_the_names_of_movielens(store, tmp_path):
    paths = {path.stem: pl.read_csv(path) for path in warehouse.export(store, tmp_path / "out")}
    assert paths["cleaned_movies"].columns == ["movieId", "title", "displayTitle", "year", "genres"]
    assert paths["cleaned_movies"]["genres"].to_list() == ["Comedy", "Action|Sci-Fi"]
    assert paths["cleaned_ratings"].columns == ["userId", "movieId", "rating", "timestamp"]
    assert paths["cleaned_ratings"]["timestamp"][0] == 978307200
    assert paths["standardized_ratings"]["standardizedRating"].sum() == pytest.approx(0, abs=1e-6)


def test_the_prompt_answers_statements_and_survives_a_wrong_one(store, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("select max(rating)\n  from ratings;\nselect nonsense;\nselect 41 + 1;\n")
    )
    warehouse.prompt(store)
    captured = capsys.readouterr()
    assert "4.0" in captured.out
    assert "nonsense" in captured.err
    assert "42" in captured.out
