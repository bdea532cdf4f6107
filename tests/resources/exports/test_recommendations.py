import polars as pl
import pytest

from assets.commands import recommend
from movierec.bundles.bundle import Bundle
from movierec.data import top_k
from resources.exports import recommendations
from tests import factories


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return factories.publish_small_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def settings(home, monkeypatch):
    monkeypatch.setenv("MOVIEREC_HOME", str(home))


def test_every_user_gets_n_unseen_movies_in_order(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(top_k, "BLOCK_BYTES", 1)  # a user at a time
    assert recommend.main(["--out", str(tmp_path / "out.parquet"), "--n", "5"]) == 0
    assert "200 rows for 40 users" in capsys.readouterr().out
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert dict(table.schema) == recommendations.RECOMMENDATIONS_SCHEMA
    assert (
        table.group_by("user_id").agg(pl.col("rank").sort()).sort("user_id")["rank"].to_list() == [[1, 2, 3, 4, 5]] * 40
    )
    assert set(table["model"]) == {"two_stage"}
    rated = factories.make_checkerboard_ratings().collect().with_columns(pl.col("user_id").cast(pl.Int64))
    assert table.join(rated, on=["user_id", "movie_id"], how="semi").is_empty()


@pytest.mark.parametrize("header", ["userId,more\n7,x\n999999999999,y\n7,z\n", "user\n7\n999999999999\n"])
def test_for_listed_users_only_and_the_unknown_get_popular_movies(tmp_path, header):
    users = tmp_path / "ids.csv"
    users.write_text(header)
    out = tmp_path / "out.parquet"
    assert recommend.main(["--out", str(out), "--n", "3", "--users", str(users)]) == 0
    table = pl.read_parquet(out)
    assert table["user_id"].to_list() == [7] * 3 + [999999999999] * 3
    assert table["model"].to_list() == ["two_stage"] * 3 + ["popularity_fallback"] * 3


def test_unknown_users_are_written_in_blocks_too(home, monkeypatch):
    monkeypatch.setattr(recommendations, "MAX_BLOCK_ROWS", 7)
    recommender = Bundle.open(home / "published" / "full" / "v1").recommender
    users = pl.Series([7, *range(1_000, 1_005)], dtype=pl.Int64)
    blocks = list(recommendations.iter_recommendations(recommender, users, n=3))
    assert [block.height for block in blocks] == [3, 6, 6, 3]
    assert pl.concat(blocks)["user_id"].unique(maintain_order=True).to_list() == users.to_list()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--n", "0"], "N=0"),
        (["--users", "nowhere.csv"], "USERS=nowhere.csv is not there"),
        (["--sample", "1pct"], "make pipeline SAMPLE=1pct"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, capsys, arguments, says):
    assert recommend.main(["--out", str(tmp_path / "out.parquet"), *arguments]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "userId\nseven\n", ""])
def test_a_list_that_is_none_is_refused(tmp_path, capsys, content):
    users = tmp_path / "ids.csv"
    users.write_text(content)
    assert recommend.main(["--out", str(tmp_path / "o.parquet"), "--users", str(users)]) == 1
    assert "ids.csv" in capsys.readouterr().err
