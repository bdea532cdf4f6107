"""Provenance: which version of each input an asset was made from, and whether what lies in the store fits together.

Every stored output has a version. The I/O managers write it into the materialisation's metadata as `version`, and
beside it, as `made_from`, the versions of the inputs that were read for it.
"""

from collections import defaultdict
from typing import Any

import dagster as dg

VERSION, MADE_FROM = "version", "made_from"

# By the step that reads them, the versions of its inputs by asset; taken away when the step's output is stored.
_versions_read: dict[str, dict[str, str]] = defaultdict(dict)


def note_input(context: dg.InputContext, version: str) -> None:
    """Remembers for the step that reads it which version of an input was loaded."""
    _versions_read[_step_of(context)][context.asset_key.to_user_string()] = version


def describe_origin(context: dg.OutputContext, version: str) -> dict[str, Any]:
    """The metadata of a stored output: its `version` and the versions of what it was `made_from`."""
    return {VERSION: version, MADE_FROM: dg.MetadataValue.json(_versions_read.pop(_step_of(context), {}))}


def find_mixed_inputs(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, key: dg.AssetKey, sample: str
) -> list[str]:
    """What above `key` was made from another version of an input than lies there now, in words; empty if all fits.

    An asset that was stored without provenance cannot be judged and is left out.
    """
    metadata: dict[str, dict[str, Any]] = {}
    waiting = [above.to_user_string() for above in asset.asset_deps[key]]
    while waiting:
        name = waiting.pop()
        if name not in metadata:
            metadata[name] = _read_latest_metadata(instance, name, sample)
            waiting += _get_made_from(metadata[name])
    return sorted(
        f"{name} was made from an older {parent}"
        for name, known in metadata.items()
        for parent, version in _get_made_from(known).items()
        if metadata[parent].get(VERSION, version) != version
    )


def _read_latest_metadata(instance: dg.DagsterInstance, name: str, sample: str) -> dict[str, Any]:
    """The metadata of an asset's latest materialisation for a sample, as plain values; empty where there is none."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey.from_user_string(name), asset_partitions=[sample])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        if record.asset_materialization:
            return {each: value.value for each, value in record.asset_materialization.metadata.items()}
    return {}


def _get_made_from(metadata: dict[str, Any]) -> dict[str, str]:
    return dict(metadata.get(MADE_FROM, {}))


def _step_of(context: dg.InputContext | dg.OutputContext) -> str:
    return f"{context.op_def.name}/{context.partition_key if context.has_partition_key else ''}"
