"""Results for other systems: a relational database, DuckDB over the store, recommendations as Parquet.

The commands that call these are in `assets.commands`; what the site serves is the bundle, `movierec.bundles`.
"""
