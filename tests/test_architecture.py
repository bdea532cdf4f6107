import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("package", ["movierec", "assets", "resources", "serving"])
def test_packages_are_ours(package):
    """No installed package of the same name stands before them."""
    assert Path(importlib.import_module(package).__file__).is_relative_to(ROOT)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("assets.definitions", ["mlflow", "catboost", "implicit", "matplotlib", "duckdb", "sklearn"]),
        ("serving.app", ["dagster", "mlflow", "implicit", "duckdb", "matplotlib"]),
    ],
)
def test_what_is_heavy_is_not_imported_at_the_start(module, heavy):
    """Four processes keep the imports of the code location for good, and each worker those of the site."""
    script = f"import {module}, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_lock_names_no_host_and_holds_every_dependency():
    import re
    import tomllib

    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--hash=sha256:" in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith(" ")}
    assert {re.split(r"[>\[]", name)[0] for name in wanted} <= locked
