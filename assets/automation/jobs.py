"""Jobs: the parts of the graph that are run together, by a person, a schedule, a sensor or the site."""

import dagster as dg

ON_DEMAND_ASSETS = dg.AssetSelection.groups("exports", "maintenance")
WINDOW_ASSETS = dg.AssetSelection.assets("window_relevant", "window_retrieval", "window_label_rows", "window_rankings")

everything_job = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all() - ON_DEMAND_ASSETS - WINDOW_ASSETS,
    description="From the CSV files to the bundle, with the windows of the back-test as they are.",
)
train_job = dg.define_asset_job(
    "train",
    selection=dg.AssetSelection.groups("features", "candidates", "ranking", "evaluation"),
    description="Features, candidate models, ranker and their evaluation, on the tables that are there.",
)
backtest_job = dg.define_asset_job(
    "backtest",
    selection=WINDOW_ASSETS,
    description="One window of the back-test: every model fitted at its cut, and what each recommends there.",
)
publish_job = dg.define_asset_job(
    "publish", selection=dg.AssetSelection.groups("published"), description="A new bundle from the fitted models."
)
train_kmeans_job = dg.define_asset_job(
    "train_kmeans",
    selection=dg.AssetSelection.assets("clusters", "cluster_tags", "companion"),
    description="New clusters and their tags, served at once; nothing else is trained. The site starts it too.",
)
export_job = dg.define_asset_job(
    "export",
    selection=dg.AssetSelection.groups("exports"),
    description="Catalogue, users and ratings into SQLite or PostgreSQL.",
)
tune_job = dg.define_asset_job(
    "tune",
    selection=dg.AssetSelection.groups("tuning"),
    description="Searches for better hyper-parameters; the next training reads them.",
)
metadata_job = dg.define_asset_job(
    "metadata", selection=dg.AssetSelection.groups("metadata"), description="Descriptions and posters from TMDB."
)
prune_job = dg.define_asset_job(
    "prune",
    selection=dg.AssetSelection.groups("maintenance"),
    description="Deletes old runs and what killed runs left behind.",
)

jobs = [
    everything_job,
    train_job,
    backtest_job,
    publish_job,
    train_kmeans_job,
    export_job,
    tune_job,
    metadata_job,
    prune_job,
]
