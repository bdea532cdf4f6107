"""The domain: tables and arrays in, tables and arrays out.

No Dagster, web framework, MLflow, DuckDB, database or network: those belong in `resources`, `assets` and `serving`.
The rooms stand on each other in this order: data, features, candidates, recommender, evaluation, experiments.
Catalogue, search, bundles and TMDB's tables stand beside them. `settings` and `home_layout` are here because the graph
and the site share them; no room imports either.
"""
