"""The site: reads what was published and renders it. No training, no Dagster, no MLflow, no network at run time."""

import os

# Polars works when a bundle is opened and rests then; by itself its allocator would keep what that took.
os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true")
