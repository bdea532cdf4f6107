"""The Grafana dashboard asks only for metrics and labels that the site exports, and the documents name them all."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.conftest import Browser

ROOT = Path(__file__).parents[3]
DASHBOARD = json.loads((ROOT / "docs" / "grafana" / "movierec.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
QUERY_WORDS = {"le"}  # the bound of a bucket


@pytest.fixture(scope="module")
def exported(browser: Browser) -> dict[str, set[str]]:
    """The labels of each metric that the site exports, by the name that it has in a query."""
    browser.get("/movies/2?from=trending", Referer="http://site/")
    browser.get("/?user_id=3")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(browser.get("/metrics").text):
        total = f"{family.name}_total" if family.type == "counter" else family.name
        names = {total, *(f"{family.name}_{part}" for part in ("bucket", "count", "sum") if family.type == "histogram")}
        labels = {label for sample in family.samples for label in sample.labels}
        found |= dict.fromkeys(names, labels)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_of_the_dashboard_is_exported(exported: dict[str, set[str]], expression: str) -> None:
    named = set(re.findall(r"movierec_\w+", expression))
    assert named
    assert named <= exported.keys()


def test_the_dashboard_shows_every_metric_that_the_site_exports(exported: dict[str, set[str]]) -> None:
    shown = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"movierec_\w+", " ".join(EXPRESSIONS))}
    assert shown == {re.sub("_(bucket|count|sum)$", "", name) for name in exported}


def test_every_metric_is_documented(exported: dict[str, set[str]]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text().split("### Metrics")[1].split("\n### ")[0]
    documented = set(re.findall(r"^\| `(movierec_\w+)`", page, re.MULTILINE))
    assert documented == {re.sub("_(bucket|count|sum)$", "", name) for name in exported}


def test_the_labels_in_the_dashboard_exist(exported: dict[str, set[str]]) -> None:
    # Metrics that have counted nothing yet have no labels to see; their names stand in the code.
    known = set().union(*exported.values()) | {"limit", "reason"} | QUERY_WORDS
    grouped = {
        name for group in re.findall(r"by \(([^)]*)\)", " ".join(EXPRESSIONS)) for name in re.split(r", *", group)
    }
    assert grouped <= known


def test_panels_have_ids_and_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
