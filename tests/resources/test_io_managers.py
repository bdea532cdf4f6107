import dagster as dg
import polars as pl
import pytest

from movierec.candidates.popularity import Popularity
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from resources.io_managers import ModelIOManager, ParquetIOManager, render_markdown_table
from tests import factories

samples = dg.StaticPartitionsDefinition(["a", "b"])


@dg.op
def step():
    """The step that reads and writes."""


def output(name):
    return dg.build_output_context(
        asset_key=dg.AssetKey(name), partition_key="a", asset_partitions_def=samples, op_def=step
    )


def load(io, name, kind):
    context = dg.build_input_context(
        asset_key=dg.AssetKey(name),
        partition_key="a",
        asset_partition_key_range=dg.PartitionKeyRange("a", "a"),
        asset_partitions_def=samples,
        op_def=step,
        dagster_type=dg.DagsterType(lambda _context, _value: True, name=f"T{name}", typing_type=kind),
    )
    return io.load_input(context)


def test_a_table_is_a_parquet_file_under_its_sample(tmp_path):
    io = ParquetIOManager(root=str(tmp_path))
    context = output("ratings")
    io.handle_output(context, factories.make_ratings((1, 2, 3.0)))
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")] == ["a/ratings.parquet"]
    assert context.get_logged_metadata()["dagster/row_count"].value == 1
    assert isinstance(load(io, "ratings", pl.LazyFrame), pl.LazyFrame)
    assert load(io, "ratings", pl.DataFrame)["movie_id"].to_list() == [2]


def test_a_table_that_fails_half_way_leaves_the_old_one(tmp_path):
    io = ParquetIOManager(root=str(tmp_path))
    io.handle_output(output("ratings"), factories.make_ratings((1, 2, 3.0)))
    broken = factories.make_ratings((1, 2, 3.0)).with_columns(pl.lit("x").cast(pl.Int32, strict=True).alias("rating"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        io.handle_output(output("ratings"), broken)
    assert load(io, "ratings", pl.DataFrame)["rating"].to_list() == [3.0]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["ratings.parquet"]


def test_a_missing_input_says_what_to_materialise(tmp_path):
    with pytest.raises(FileNotFoundError, match="materialise ratings for a first"):
        load(ParquetIOManager(root=str(tmp_path)), "ratings", pl.DataFrame)


def test_a_model_is_a_folder_and_the_last_two_are_kept(tmp_path):
    io = ModelIOManager(root=str(tmp_path))
    for n in (1, 2, 3):
        table = factories.make_ratings(*[(user, 1, 4.0) for user in range(n)])
        io.handle_output(output("popularity"), Popularity.fit(Interactions.from_ratings(table)))
    versions = [path for path in (tmp_path / "a" / "popularity").iterdir() if path.is_dir()]
    assert len(versions) == 2
    assert load(io, "popularity", Popularity).n_ratings.tolist() == [3]


def test_a_model_that_could_not_be_fitted_is_read_as_such_until_it_is(tmp_path):
    io = ModelIOManager(root=str(tmp_path))
    unfitted = UnfittedModel("popularity", "ValueError: nobody rated anything")
    io.handle_output(output("popularity"), unfitted)
    assert load(io, "popularity", Popularity) == unfitted
    io.handle_output(
        output("popularity"), Popularity.fit(Interactions.from_ratings(factories.make_ratings((1, 1, 4.0))))
    )
    assert isinstance(load(io, "popularity", Popularity), Popularity)


def test_a_model_that_other_code_wrote_is_told_with_what_to_do(tmp_path):
    io = ModelIOManager(root=str(tmp_path))
    io.handle_output(
        output("popularity"), Popularity.fit(Interactions.from_ratings(factories.make_ratings((1, 1, 4.0))))
    )
    (config,) = tmp_path.rglob("config.json")
    config.write_text('{"gone": 1}')
    with pytest.raises(RuntimeError, match=r"written by other code.*materialise popularity for a again"):
        load(io, "popularity", Popularity)


def test_half_written_files_of_killed_runs_are_swept_after_a_day(tmp_path):
    import os

    old, new = (tmp_path / "a" / f".ratings.parquet.{pid}.part" for pid in (1, 2))
    old.parent.mkdir()
    for part in (old, new):
        part.write_text("half")
    os.utime(old, (0, 0))
    ParquetIOManager(root=str(tmp_path)).handle_output(output("ratings"), factories.make_ratings((1, 2, 3.0)))
    assert not old.exists()
    assert new.exists()


def test_a_preview_is_a_markdown_table():
    text = render_markdown_table(pl.DataFrame({"a": [1], "b": ["x"]})).value
    assert text.splitlines()[0].replace(" ", "") == "|a|b|"


def test_a_stored_output_says_of_which_versions_of_its_inputs_it_was_made(tmp_path):
    io = ParquetIOManager(root=str(tmp_path))
    versions = []
    for rating in (3.0, 4.0):
        above = output("ratings")
        io.handle_output(above, factories.make_ratings((1, 2, rating)))
        versions.append(above.get_logged_metadata()["version"].value)
    assert versions[0] != versions[1]
    below = output("split")
    io.handle_output(below, load(io, "ratings", pl.DataFrame))
    assert below.get_logged_metadata()["made_from"].value == {"ratings": versions[1]}
    without_inputs = output("split")
    io.handle_output(without_inputs, factories.make_ratings((1, 2, 3.0)))
    assert without_inputs.get_logged_metadata()["made_from"].value == {}


def test_columns_are_described_where_the_schema_knows_them(tmp_path):
    context = output("ratings")
    ParquetIOManager(root=str(tmp_path)).handle_output(context, factories.make_ratings((1, 2, 3.0)))
    columns = context.get_logged_metadata()["dagster/column_schema"].value.columns
    assert all(column.description for column in columns)
