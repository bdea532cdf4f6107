import ast
import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("movierec", "assets", "resources", "serving")
NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make"}  # public in spite of the underscore


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_ours(package):
    """No installed package of the same name stands before them."""
    assert Path(importlib.import_module(package).__file__).is_relative_to(ROOT)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("assets.definitions", ["mlflow", "catboost", "implicit", "matplotlib", "duckdb", "sklearn"]),
        ("serving.app", ["dagster", "mlflow", "implicit", "duckdb", "matplotlib", "opentelemetry.sdk"]),
    ],
)
def test_what_is_heavy_is_not_imported_at_the_start(module, heavy):
    """Four processes keep the imports of the code location for good, and each worker those of the site."""
    script = f"import {module}, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_router_is_held_apart_from_the_others():
    import tomllib

    from serving.app import API_MODULES, PAGE_MODULES

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (apart,) = (contract["modules"] for contract in contracts if contract["type"] == "independence")
    assert set(apart) == {module.__name__ for module in (*PAGE_MODULES, *API_MODULES)}


def test_the_lock_names_no_host_and_holds_every_dependency():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--hash=sha256:" in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith(" ")}
    assert {re.split(r"[>\[]", name)[0] for name in wanted} <= locked


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("monkeypatch.setattr('serving.app.create_app', None)", "patches by a string"),
        ("monkeypatch.setattr(part, None, raising=False)", "patches by a string"),
        ("patch.delenv('A'); patch.delattr(f'{place}.run')", "patches by a string"),
        ("mock.patch('movierec.x')", "patches by a string"),
        ("@patch('movierec.x')\ndef test(): ...", "patches by a string"),
        ("from movierec.candidates.ease import _weights", "reaches for _weights"),
        ("import serving._inner", "reaches for _inner"),
        ("from assets import _inner", "reaches for _inner"),
        ("csv_tables._faults(path)", "reaches for _faults"),
        ("monkeypatch.setattr(ranker, '_fit', None)", "reaches for _fit"),
        ("getattr(database, '_retry_at')", "reaches for _retry_at"),
        ("monkeypatch.setattr(pages, 'PAGE_SIZE', 8); self._kept; film._replace(year=1); app.__class__", None),
        ("from dagster._core.events import DagsterEvent; mock.patch.object(pages, 'PAGE_SIZE', 8)", None),
    ],
)
def test_what_ties_a_test_to_the_inside_of_a_module_is_found(written, found):
    assert [fault.partition(": ")[2] for fault in iter_ties(ast.parse(written))] == ([found] if found else [])


def test_no_test_patches_by_a_dotted_path_or_reaches_for_a_private_name():
    """Tests use what is public, so that a module can be moved and its inside changed."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 50
    assert [
        f"{file.relative_to(ROOT)}:{fault}" for file in files for fault in iter_ties(ast.parse(file.read_text()))
    ] == []


def iter_ties(tree: ast.AST) -> Iterator[str]:
    """`line: what is wrong` for every patch by a string and every private name that is read, set or imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_patch_by_string(node):
            yield f"{node.lineno}: patches by a string"
        for name in list_reached_names(node):
            if name.startswith("_") and not name.endswith("__") and name not in NAMED_TUPLE:
                yield f"{node.lineno}: reaches for {name}"


def is_patch_by_string(call: ast.Call) -> bool:
    """Whether the target is one argument that names it, not an object and the name of its attribute."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called == "patch":
        return True
    n_with_object = {"setattr": 3, "delattr": 2}.get(called)
    given = [*call.args, *(word for word in call.keywords if word.arg != "raising")]
    return n_with_object is not None and len(given) < n_with_object


def list_reached_names(node: ast.AST) -> list[str]:
    """Names of attributes of others than `self`, names imported from our packages, and attributes named by a string."""
    if isinstance(node, ast.Attribute):
        return [] if isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"} else [node.attr]
    if isinstance(node, ast.ImportFrom | ast.Import):
        names = [alias.name for alias in node.names]
        dotted = [f"{node.module}.{name}" for name in names] if isinstance(node, ast.ImportFrom) else names
        return [part for name in dotted if name.startswith(PACKAGES) for part in name.split(".")]
    if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return [str(node.args[1].value)] if called in {"getattr", "setattr", "delattr", "object"} else []
    return []


def list_modules_to_run() -> list[tuple[str, str]]:
    """`(file, module)` for every module that a target, a document or a script, in a string too, starts or imports."""
    files = [ROOT / "Makefile", ROOT / "README.md", ROOT / ".ci" / "run", *(ROOT / "docs").rglob("*.md")]
    files += [path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py")]
    ours = r"((?:tests|assets|serving|resources|movierec)(?:\.\w+)+)"
    started = re.compile(rf"(?:-m |run_benchmark_module\(\"){ours}|^from {ours} import", flags=re.MULTILINE)
    return [
        (str(path.relative_to(ROOT)), module)
        for path in files
        if path.is_file()
        for found in started.findall(path.read_text())
        for module in found
        if module
    ]


def test_every_module_that_is_started_by_name_is_there():
    named = list_modules_to_run()
    assert ("Makefile", "assets.commands.bench") in named
    assert ("assets/commands/bench.py", "tests.benchmarks.api") in named
    missing = [(path, name) for path, name in named if importlib.util.find_spec(name) is None]
    assert missing == []
