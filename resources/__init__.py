"""The outside world for the graph: Dagster resources, settings, stores, MLflow, sources and exports.

No decision about recommending (see `movierec`), no asset (see `assets`) and no command line (see `assets.commands`).
"""
