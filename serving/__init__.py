"""The site: reads what was published and renders it. No training, no Dagster, no MLflow, no network at run time."""
