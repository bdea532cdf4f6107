"""The Dagster runs that operators may start and watch from the JSON API.

The only place of the site that speaks to Dagster, and only over GraphQL. The endpoints are in `serving.api.runs`.
"""
