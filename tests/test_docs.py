"""The documents say what the code does."""

import re
from pathlib import Path

import dagster as dg
import pytest

from assets.commands import results
from assets.definitions import defs
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.als import ALSParams
from movierec.candidates.ials import IALSParams
from movierec.data.sampling import SAMPLES
from movierec.evaluation.metrics import KS
from movierec.features.names import BASE_FEATURES, TMDB_FEATURES
from movierec.recommender.ranker import RankerParams
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, list_signal_names
from movierec.settings import Settings, name_variable
from resources.exports.duckdb_store import EXPORT_QUERIES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def text(name):
    return (DOCS / name).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_are_there(page):
    named = re.findall(r"`((?:movierec|assets|resources|serving|tests|docs)/[\w./-]+\.\w+)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_setting_is_documented_with_its_default():
    table = text("operations.md").split("## Settings")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", table, flags=re.MULTILINE))
    defaults = {name_variable(field): value for field, value in vars(Settings()).items()}
    assert rows.keys() == defaults.keys()
    for name, default in rows.items():
        said = str(defaults[name]) or "unset"
        assert default.strip("`").rstrip("/") in {said.replace("False", "0"), Path(said).name}, name


def test_every_make_target_is_documented_and_every_documented_one_is_there():
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, flags=re.MULTILINE))
    table = text("operations.md").split("## Targets")[1].split("\n## ")[0]
    assert set(re.findall(r"`make ([a-z]+)`", table)) == targets
    said = {target for page in PAGES for target in re.findall(r"`make ([a-z]+)[ `]", page.read_text())}
    assert said <= targets


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_the_stages_of_make_are_those_of_the_graph_in_their_order():
    selected = dict(re.findall(r"^([a-z]+): setup ## .*\n\t@\$\(MAKE_ASSETS\) '(\S.*)'$", MAKEFILE, flags=re.MULTILINE))
    del selected["pipeline"]
    graph = defs.resolve_asset_graph()
    stages = {name: dg.AssetSelection.from_string(text).resolve(graph) for name, text in selected.items()}
    assert all(stages.values())
    groups = graph.get_all_asset_keys() - dg.AssetSelection.groups("tuning").resolve(graph)
    assert set().union(*stages.values()) == groups
    in_order = ("prepare", "features", "candidates", "backtest", "ranking", "evaluation", "publish")
    assert tuple(name for name in stages if name in in_order) == in_order
    for i, stage in enumerate(in_order):
        above = dg.AssetSelection.assets(*stages[stage]).upstream().resolve(graph)
        assert above.isdisjoint(set().union(*(stages[later] for later in in_order[i + 1 :]))), stage


def test_every_feature_of_the_ranker_is_documented():
    documented = re.findall(r"`(\w+)`", text("data.md").split("## Features")[1])
    assert {*BASE_FEATURES, *TMDB_FEATURES} <= set(documented)
    patterns = re.findall(r"`<channel>_(\w+?)(?:_…)?`", text("data.md"))
    kinds = {
        re.sub(f"^({'|'.join(CANDIDATE_MODELS)})_", "", name)
        for name in list_signal_names(RECOMMENDER_CHANNELS["two_stage"])
    }
    assert {re.sub(r"_(score|rank|z)$", "", kind) for kind in kinds} == set(patterns)


def test_every_stored_table_is_documented():
    tables = text("data.md").split("## Features")[0]
    assets = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    models = {
        *(name for name in assets if name.startswith((*CANDIDATE_MODELS, "ranker", "served_ranker"))),
        "dataset",
        "published",
        "companion",
        "relational_export",
        "retention",
    }
    raw = {name for name in assets if name.startswith("raw_")}
    assert {name for name in assets - models - raw if f"`{name}`" not in tables} == set()
    assert all(f"`{name}.csv`" in tables for name in EXPORT_QUERIES)
    assert all(f"`{name}`" in tables for name in SAMPLES)


def test_defaults_of_the_models_are_as_documented():
    page = " ".join(text("models.md").split())
    als = ALSParams()
    assert (
        f"{als.factors} factors, {als.iterations} iterations, regularization {als.regularization:g}, "
        f"alpha {als.alpha:g}, {als.confidence}, min_rating {als.min_rating}" in page
    )
    ials = IALSParams()
    assert (
        f"{ials.factors} factors, {ials.iterations} iterations, regularization {ials.regularization:g}, "
        f"unobserved {ials.unobserved}, alpha {ials.alpha:g}, {ials.confidence}, min_rating {ials.min_rating}" in page
    )
    ranker = RankerParams()
    assert (
        f"{ranker.loss_function}, {ranker.iterations} trees at the most, learning rate {ranker.learning_rate}, "
        f"depth {ranker.depth}" in page
    )
    assert all(f"`{name}`" in page for name in CANDIDATE_MODELS)


def test_every_metric_is_defined():
    assert "k is " + ", ".join(str(k) for k in KS[:-1]) + f" and {KS[-1]}" in text("evaluation.md")
    for name in ("ndcg", "recall", "precision", "map", "mrr", "novelty", "coverage", "gini"):
        assert f"`{name}_at_k`" in text("evaluation.md")


def test_results_and_readme_show_what_was_measured():
    """Run `make results` when this fails."""
    pages = results.render_pages()
    assert [page.name for page in pages] == ["results.md", "README.md"]
    for page, expected in pages.items():
        assert page.read_text() == expected, page.name


def test_decisions_are_short_and_numbered():
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert files
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    assert all(len(file.read_text().splitlines()) <= 12 for file in files)


def test_every_test_that_the_page_of_faults_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", text("faults.md")))
    defined = {name for file in Path("tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(named) > 30
    assert named - defined == set()
