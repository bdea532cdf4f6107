"""The condition under which clusters and companion are made anew, evaluated as Dagster's daemon does it."""

import dagster as dg
import pytest

from assets.automation.freshness import AFTER_NEW_DATA, FRESHNESS
from assets.definitions import defs

# Of Dagster's own code, when it evaluates conditions.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

PUBLISHED = {"published", "catalogue", "similar_movies", "companion", "clusters", "cluster_tags"}
full = dg.StaticPartitionsDefinition(["full"])


def test_all_that_is_published_has_a_freshness_policy():
    graph = defs.resolve_asset_graph()
    policies = {key.to_user_string(): graph.get(key).freshness_policy for key in graph.get_all_asset_keys()}
    assert {name for name, policy in policies.items() if policy == FRESHNESS} >= PUBLISHED
    assert policies["movies"] is None


def test_clusters_and_companion_are_made_after_new_data():
    graph = defs.resolve_asset_graph()
    with_condition = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).automation_condition}
    assert with_condition == {"clusters", "cluster_tags", "companion"}


@dg.asset(partitions_def=full)
def movies(): ...


@dg.asset(partitions_def=full, deps=[movies], automation_condition=AFTER_NEW_DATA)
def clusters(): ...


def build_check(*outcomes):
    """A blocking check with the given outcomes, run by run."""
    waiting = iter(outcomes)

    @dg.asset_check(asset=movies, blocking=True)
    def sound():
        return dg.AssetCheckResult(passed=next(waiting))

    return sound


@pytest.mark.parametrize("passes", [True, False])
def test_new_data_is_taken_if_its_blocking_checks_passed(passes):
    small = dg.Definitions([movies, clusters], asset_checks=[build_check(True, passes)])
    job = small.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, partition_key="full")
        first = dg.evaluate_automation_conditions(small, instance)
        assert first.total_requested == 0
        job.execute_in_process(
            instance=instance, partition_key="full", asset_selection=[movies.key], raise_on_error=False
        )
        second = dg.evaluate_automation_conditions(small, instance, cursor=first.cursor)
        assert second.total_requested == int(passes)
