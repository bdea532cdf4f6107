"""How the site is watched: the record of each request, its line in the log, metrics, traces.

No page and no endpoint: the one that answers with the metrics is `serving.api.metrics`. What the site tells about its
bundle and database is in `serving.api.health`.
"""
