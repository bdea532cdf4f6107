import dagster as dg
import polars as pl
import pytest

from resources.dagster_previews import delete_previews_of_user, list_previews_of_user, shows_user
from resources.io_managers import render_markdown_table

WITH_USER = render_markdown_table(pl.DataFrame({"movie_id": [1, 2], "user_id": [7, 12345]}))
WITHOUT_USER = render_markdown_table(pl.DataFrame({"movie_id": [7, 2], "user_id": [8, 9]}))


@pytest.mark.parametrize(("user_id", "is_shown"), [(7, True), (12345, True), (1, False), (1234, False)])
def test_a_user_is_seen_in_the_column_of_users_alone(user_id, is_shown):
    assert shows_user(WITH_USER.md_str, user_id) is is_shown
    assert not shows_user(render_markdown_table(pl.DataFrame({"movie_id": [7]})).md_str, 7)
    assert not shows_user("", 7)


def materialize(instance, preview):
    @dg.asset(name="ratings")
    def ratings(context):
        context.add_output_metadata({"preview": preview})

    return dg.materialize([ratings], instance=instance).run_id


def test_runs_whose_previews_show_the_user_are_deleted_and_newer_ones_stay(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        old, new = materialize(instance, WITH_USER), materialize(instance, WITHOUT_USER)
        assert list_previews_of_user(instance, 7) == [("ratings", old)]
        delete_previews_of_user(instance, 7)
        assert list_previews_of_user(instance, 7) == []
        assert [run.run_id for run in instance.get_runs()] == [new]
        assert instance.get_latest_materialization_event(dg.AssetKey("ratings")).run_id == new
