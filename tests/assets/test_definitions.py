"""The definitions of the graph, held to a snapshot: a change of it is seen in the diff of `definitions.json`.

`python -m tests.assets.test_definitions` writes the snapshot anew.
"""

import json
from pathlib import Path

import dagster as dg

from assets.definitions import build_definitions, defs
from movierec.settings import Settings

SNAPSHOT = Path(__file__).with_name("definitions.json")


def describe_partitions(partitions):
    """The keys of each dimension; those of windows are only known when the ratings are."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return {each.name: describe_partitions(each.partitions_def) for each in partitions.partitions_defs}
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return "dynamic"
    return partitions.get_partition_keys() if partitions else []


def describe_definitions():
    """Every asset with what a person sees of it in the Dagster UI, every check, job and schedule."""
    graph = defs.resolve_asset_graph()
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    checks = {}
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name)
    assets = {
        name: {
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "group": node.group_name,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "partitions": describe_partitions(node.partitions_def),
            "checks": sorted(checks.get(name, [])),
        }
        for name, node in sorted(nodes.items())
    }
    repository = defs.get_repository_def()
    jobs = sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__"))
    automation = {
        "schedules": sorted(each.name for each in repository.schedule_defs),
        "sensors": sorted(each.name for each in repository.sensor_defs),
    }
    return {"assets": assets, "jobs": jobs, **automation}


def write_snapshot():
    SNAPSHOT.write_text(json.dumps(describe_definitions(), indent=1) + "\n")


def test_the_definitions_are_those_of_the_snapshot():
    """Run `python -m tests.assets.test_definitions` when a change is meant, and read its diff."""
    assert describe_definitions() == json.loads(SNAPSHOT.read_text())


def test_the_number_of_bundles_is_that_of_the_setting():
    resources = build_definitions(Settings(keep_bundles=5)).resources
    assert (resources["bundles"].keep, resources["companions"].keep) == (5, 5)


def test_every_asset_leads_to_the_line_that_defines_it():
    for key in defs.resolve_asset_graph().get_all_asset_keys():
        asset = defs.resolve_assets_def(key)
        (reference,) = asset.metadata_by_key[key]["dagster/code_references"].code_references
        assert isinstance(reference, dg.LocalFileCodeReference)
        line = Path(reference.file_path).read_text().splitlines()[reference.line_number - 1]
        assert "def " in line or line.lstrip().startswith("@"), (key, line)


if __name__ == "__main__":
    write_snapshot()
