"""Maintenance: what keeps the folder of everything written from growing for ever."""

import dagster as dg

from resources.mlflow_tracking import MlflowTracking
from resources.retention import Retention


@dg.asset(group_name="maintenance", kinds={"python"}, owners=["team:data"])
def retention(
    context: dg.AssetExecutionContext, retention_rules: Retention, tracking: MlflowTracking
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Deletes runs of Dagster and MLflow older than MOVIEREC_KEEP_DAYS that nothing needs, and leftovers.

    What is served, the runs of the latest materialisations, and runs that are at work stay.
    """
    deleted = retention_rules.delete_unneeded(context.instance, tracking)
    metadata: dict[str, float] = {}
    for kind, each in deleted.items():
        metadata |= {f"{kind}_deleted": each.n, f"{kind}_megabytes_freed": round(each.bytes / 1e6, 1)}
        context.log.info(f"{kind}: {each.n} deleted, {each.bytes / 1e6:.1f} MB freed")
    return dg.MaterializeResult(metadata=metadata)
