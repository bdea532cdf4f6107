"""Whether an asset's inputs belong together: each made from what its own inputs are now."""

import dagster as dg

# Tag of a materialisation: the latest record of its input then, of whatever sample. Records are numbered in time.
POINTER = "dagster/input_event_pointer/"


def mixed_inputs(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, key: dg.AssetKey, sample: str) -> list[str]:
    """What above `key` was made from something older than lies there now, in words; empty when all fits together.

    Read from what Dagster records with every materialisation. What was made without a record in this instance
    cannot be judged and is left out.
    """
    records: dict[str, dg.EventLogRecord | None] = {}
    waiting = [above.to_user_string() for above in asset.asset_deps[key]]
    while waiting:
        name = waiting.pop()
        if name not in records:
            records[name] = _latest(instance, name, sample)
            waiting += _read_by(records[name])
    return sorted(
        f"{name} was made from an older {parent}"
        for name, record in records.items()
        for parent, read in _read_by(record).items()
        if (now := records[parent]) is not None and now.storage_id > read
    )


def _latest(instance: dg.DagsterInstance, name: str, sample: str) -> dg.EventLogRecord | None:
    """The record of an asset's latest materialisation for a sample."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey.from_user_string(name), asset_partitions=[sample])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def _read_by(record: dg.EventLogRecord | None) -> dict[str, int]:
    """The inputs that a materialisation read, each with the number of the latest record there was."""
    materialization = record.asset_materialization if record else None
    tags = (materialization.tags if materialization else None) or {}
    pointers = ((name.removeprefix(POINTER), value) for name, value in tags.items() if name.startswith(POINTER))
    return {name: int(value) for name, value in pointers if value.isdecimal()}
