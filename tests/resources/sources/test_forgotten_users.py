import polars as pl

from movierec.data.cleaning import drop_users
from resources.sources.dataset import Dataset
from resources.sources.forgotten_users import acquire_remaining_dataset, add_forgotten_user, read_forgotten_users
from resources.sources.sources import acquire_dataset


def write_source(folder):
    folder.mkdir()
    (folder / "movies.csv").write_text("movieId,title,genres\n1,A (1999),Drama\n")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n7,1,4.0,1\n8,1,3.0,2\n")
    return folder


def test_the_list_holds_each_user_once_for_each_source(tmp_path):
    file = tmp_path / "forgotten" / "users.csv"
    assert read_forgotten_users(file, "demo") == ()
    for source, user_id in [("demo", 9), ("demo", 7), ("ml-32m", 8), ("demo", 9)]:
        add_forgotten_user(file, source, user_id)
    assert read_forgotten_users(file, "demo") == (7, 9)
    assert read_forgotten_users(file, "ml-32m") == (8,)


def test_a_forgotten_user_makes_another_version_of_the_data(tmp_path):
    folder, file = write_source(tmp_path / "mine"), tmp_path / "users.csv"
    before = acquire_dataset(str(folder), tmp_path)
    assert acquire_remaining_dataset(str(folder), tmp_path, file) == before
    add_forgotten_user(file, "another", 7)
    assert acquire_remaining_dataset(str(folder), tmp_path, file) == before
    add_forgotten_user(file, "mine", 7)
    after = acquire_remaining_dataset(str(folder), tmp_path, file)
    assert after.forgotten_users == (7,)
    assert after.version != before.version
    (tmp_path / "stored").mkdir()
    after.save(tmp_path / "stored")
    assert Dataset.load(tmp_path / "stored") == after


def test_rows_of_forgotten_users_are_dropped_and_tables_without_users_stay():
    rows = pl.LazyFrame({"user_id": [7, 8, 7], "rating": [1.0, 2.0, 3.0]})
    assert drop_users(rows, (7, 9)).collect().rows() == [(8, 2.0)]
    assert drop_users(rows, ()).collect().height == 3
    movies = pl.LazyFrame({"movie_id": [7]})
    assert drop_users(movies, (7,)).collect().rows() == [(7,)]
