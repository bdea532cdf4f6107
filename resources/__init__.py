"""The outside world, for assets: sources, stores, tracking, processes. Neither the graph nor the site belongs here."""
