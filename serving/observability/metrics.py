"""Prometheus metrics of the site. With several workers their counts are added up through files.

The files are in the folder that the variable PROMETHEUS_MULTIPROC_DIR names, which `serving.server` sets and empties.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # others count as OTHER

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody asks for
REGISTRY = CollectorRegistry()
REQUEST_SECONDS = Histogram(
    "movierec_request_seconds",
    "Seconds from the headers of a request to the end of its answer.",
    ("route", "method"),
    buckets=SECONDS_BUCKETS,
    registry=REGISTRY,
)
RESPONSES = Counter("movierec_responses", "Answers by status.", ("route", "method", "status"), registry=REGISTRY)
ANSWERS_BY_MODEL = Counter(
    "movierec_model_answers", "Requests for which a model has recommended.", ("model",), registry=REGISTRY
)
IMPRESSIONS = Counter(
    "movierec_impressions", "Cards that were sent in a row of the home page.", ("row",), registry=REGISTRY
)
CLICKS = Counter("movierec_clicks", "Movies that were opened from a row of the home page.", ("row",), registry=REGISTRY)
RATE_LIMITED = Counter("movierec_rate_limited", "Attempts above a rate limit.", ("limit",), registry=REGISTRY)
REFUSED = Counter(
    "movierec_refused_requests", "Requests that were refused before they were read.", ("reason",), registry=REGISTRY
)
HASHES_WAITING = Gauge(
    "movierec_password_hashes_waiting",
    "Passwords that are hashed or wait for it.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)


class BundleState(NamedTuple):
    """The served bundle; `age_seconds` is None if its manifest has no date."""

    sample: str
    version: str
    age_seconds: int | None
    n_movies: int


class BundleCollector(Collector):
    """The gauges of the served bundle as the process that is asked sees it."""

    def __init__(self, state: BundleState | None) -> None:
        self.state = state

    def collect(self) -> Iterator[Metric]:
        """Version, age and size; only the version's gauge, without a sample, if there is no bundle."""
        info = GaugeMetricFamily("movierec_bundle_info", "The served bundle: always 1.", labels=("sample", "version"))
        if self.state is not None:
            info.add_metric((self.state.sample, self.state.version), 1)
        yield info
        if self.state is None:
            return
        yield GaugeMetricFamily("movierec_catalogue_movies", "Movies in the catalogue.", value=self.state.n_movies)
        if self.state.age_seconds is not None:
            yield GaugeMetricFamily(
                "movierec_bundle_age_seconds", "Seconds since the bundle was published.", value=self.state.age_seconds
            )


def count_request(*, route: str, method: str, status: int, seconds: float) -> None:
    """Counts a request that has been answered."""
    known_method = method if method in METHODS else "OTHER"
    REQUEST_SECONDS.labels(route, known_method).observe(seconds)
    RESPONSES.labels(route, known_method, str(status)).inc()


def render_metrics(bundle: BundleState | None) -> bytes:
    """All metrics in Prometheus' text format, those of all workers together."""
    registry = REGISTRY
    if os.environ.get(FOLDER_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    of_bundle = CollectorRegistry()
    of_bundle.register(BundleCollector(bundle))
    return generate_latest(registry) + generate_latest(of_bundle)


def forget_dead_workers() -> None:
    """Removes the gauges of workers that have ended, which would be added up for ever. Their counters stay."""
    folder = os.environ.get(FOLDER_VARIABLE)
    for file in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
