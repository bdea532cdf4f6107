"""Sites that serve a changed bundle: what a part of it costs when it fails."""

from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from movierec.bundles.bundle import Bundle
from serving.web.dependencies import provide_bundle


class Broken:
    """Stands in the place of any part of a bundle; reading or calling more of it than `kept` is a RuntimeError."""

    def __init__(self, reason: str, **kept: Any) -> None:
        self._reason = reason
        vars(self).update(kept)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(self._reason)


def serve_changed_bundle(app: FastAPI, **parts: Any) -> None:
    """From now on requests get the published bundle with other `parts`, by their names in Bundle."""
    bundle = replace(get_bundle(app), **parts)
    app.dependency_overrides[provide_bundle] = lambda: bundle


def break_ranker(app: FastAPI, reason: str) -> None:
    """From now on nobody can be recommended anything."""
    recommender = get_bundle(app).recommender
    broken = Broken(reason, feature_names=recommender.ranker.feature_names if recommender.ranker else ())
    serve_changed_bundle(app, recommender=replace(recommender, ranker=broken))


def get_bundle(app: FastAPI) -> Bundle:
    bundle: Bundle = app.state.site.live_bundle()
    return bundle
