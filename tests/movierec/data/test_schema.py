import polars as pl
import pytest

from movierec.data.schema import RATINGS, SchemaError, conform_to_schema
from tests import factories


def test_every_missing_column_is_named():
    with pytest.raises(
        SchemaError, match=r"table ratings lacks \['rating', 'rated_at'\]; it has \['user_id', 'movie_id'\]"
    ):
        conform_to_schema("ratings", factories.make_ratings().select("user_id", "movie_id"), RATINGS)


def test_every_column_of_another_kind_is_named():
    table = factories.make_ratings((1, 1, 4.0)).with_columns(pl.col("user_id", "rating").cast(pl.String))
    with pytest.raises(SchemaError, match="user_id is String, wanted Int32; rating is String, wanted Float32"):
        conform_to_schema("ratings", table, RATINGS)


def test_widths_are_mended_and_further_columns_left_out():
    table = factories.make_ratings((1, 1, 4.0)).with_columns(pl.col("user_id").cast(pl.Int64), more=pl.lit(1))
    assert dict(conform_to_schema("ratings", table, RATINGS).collect_schema()) == dict(RATINGS)


def test_an_id_that_does_not_fit_is_an_error_and_no_other_id():
    table = factories.make_ratings((1, 1, 4.0)).with_columns(user_id=pl.lit(2**40))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        conform_to_schema("ratings", table, RATINGS).collect()
