"""How old what the site reads may become, and the condition under which its companion is made anew."""

from datetime import timedelta

import dagster as dg

COMPANION_GROUP = "clusters"
PUBLISHED_GROUPS = {"published", COMPANION_GROUP}
# The nightly retraining may be late by half a day; a week without it is a fault.
FRESHNESS = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=36), fail_window=timedelta(days=7))
AFTER_NEW_DATA = (dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label(
    "after new data, when no run is at work on it or above it"
)


def apply_policies(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The same asset: with a freshness policy if it is published, with the condition if it belongs to the companion."""
    if spec.group_name == COMPANION_GROUP:
        spec = spec.replace_attributes(automation_condition=AFTER_NEW_DATA)
    return dg.apply_freshness_policy(spec, FRESHNESS) if spec.group_name in PUBLISHED_GROUPS else spec


def build_companion_sensor(status: dg.DefaultSensorStatus) -> dg.AutomationConditionSensorDefinition:
    """Makes clusters and companion anew when the tables below them have changed without them."""
    return dg.AutomationConditionSensorDefinition(
        "companion_after_new_data",
        target=dg.AssetSelection.groups(COMPANION_GROUP),
        default_status=status,
        minimum_interval_seconds=60,
        description="Makes new clusters and their companion when what they are made from was materialised alone.",
    )
