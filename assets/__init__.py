"""The graph: each asset is one call into the domain. The code location is `assets.definitions`.

One module a group of assets; a formula belongs in `movierec`, a path or a format in `resources`. What `make` calls is
in `assets.commands`.
"""
