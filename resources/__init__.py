"""The outside world for the graph: Dagster resources, stores, MLflow, sources and exports.

No decision about recommending (see `movierec`), no asset (see `assets`), no setting (see `movierec.settings`)
and no command line (see `assets.commands`).
"""
