"""The names under MOVIEREC_HOME stand in one module, and the documents and `make clean` know them all."""

import ast
import re
from pathlib import Path

import pytest

from movierec.home_layout import HomeLayout

ROOT = Path(__file__).parents[1]
PACKAGES = ("movierec", "resources", "assets", "serving")
HOME = Path("/home")
PATHS = {
    name: getattr(HomeLayout(HOME), name) for name, value in vars(HomeLayout).items() if isinstance(value, property)
}
NAMES = {part for path in PATHS.values() for part in path.relative_to(HOME).parts}
FOLDERS = {path.relative_to(HOME).parts[0] for path in PATHS.values()}


def joined_names(tree: ast.AST) -> set[str]:
    """The texts that a module joins to a path: by `/`, in Path(...) and joinpath(...), and inside f-strings."""
    found: set[object] = set()
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.Div(), right=ast.Constant(value)):
                found.add(value)
            case ast.Call(func=ast.Name("Path") | ast.Attribute(attr="joinpath"), args=arguments):
                found |= {each.value for each in arguments if isinstance(each, ast.Constant)}
            case ast.JoinedStr(values):
                behind = [each.value for each in values[1:] if isinstance(each, ast.Constant)]
                found |= {text for text in behind if text.startswith("/")}
    parts = [part for text in found if isinstance(text, str) for part in text.split("/")]
    return set(parts)


def modules() -> list[Path]:
    found = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [file for file in found if file != ROOT / "movierec" / "home_layout.py"]


@pytest.mark.parametrize(
    "code", ['home / "store"', 'Path(home, "store", sample)', 'home.joinpath("store")', 'f"{home}/store/{sample}"']
)
def test_a_joined_name_is_noticed(code: str) -> None:
    assert "store" in joined_names(ast.parse(code))


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_other_module_joins_a_name_of_the_home(file: Path) -> None:
    assert joined_names(ast.parse(file.read_text())) & NAMES == set()


def test_no_path_of_the_home_has_changed() -> None:
    """Homes that are there must go on: a new name needs a move of what lies under the old one."""
    layout = HomeLayout(HOME)
    named = {name: str(path.relative_to(HOME)) for name, path in PATHS.items()}
    assert named == {
        "raw": "raw",
        "tmdb_answers": "raw/tmdb/answers.sqlite",
        "store": "store",
        "published": "published",
        "companion": "companion",
        "metadata": "metadata",
        "fetched_posters": "posters/kept",
        "cached_images": "posters/cache",
        "tuning": "tuning",
        "dagster": "dagster",
        "mlflow": "mlflow",
        "exports": "exports",
        "metrics": "metrics",
        "backups": "backups",
        "forgotten_users": "forgotten/users.csv",
        "site_database": "site/site.db",
        "site_secret": "site/secret",
        "tmdb_logo": "site/tmdb-logo.svg",
    }
    assert layout.locate_bundles("1pct") == HOME / "published" / "1pct"
    assert layout.locate_companions("1pct") == HOME / "companion" / "1pct"
    assert layout.locate_tables("1pct") == HOME / "store" / "1pct"
    assert layout.locate_descriptions("1pct") == HOME / "metadata" / "1pct" / "descriptions.parquet"


def test_every_folder_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^<home>/(\w+)/ ", text, flags=re.MULTILINE)) == FOLDERS


def test_make_clean_removes_all_but_downloads_searches_and_what_people_left() -> None:
    (parts,) = re.findall(r"for part in (.*?); do", (ROOT / "Makefile").read_text())
    assert set(parts.split()) == FOLDERS - {"raw", "tuning", "backups", "forgotten", "site"}
