"""The graph: each asset is one call into the domain. The code location is `assets.definitions`."""
