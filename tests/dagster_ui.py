"""The Dagster UI as `make run` starts it, over a code location with one asset."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.commands.bench import find_free_port, wait_for_answer

ROOT = Path(__file__).parents[1]
CODE_LOCATION = """
import dagster as dg

@dg.asset
def the_only_asset(): ...

defs = dg.Definitions([the_only_asset], jobs=[dg.define_asset_job("everything", "*")])
"""


@contextmanager
def serve_dagster_ui(folder: Path, **variables: str) -> Iterator[str]:
    """Gives the address of the UI; `variables` are added to its environment."""
    (folder / "tiny.py").write_text(CODE_LOCATION)
    workspace = folder / "workspace.yaml"
    workspace.write_text(f"load_from:\n- python_file: {{relative_path: {folder / 'tiny.py'}, location_name: tiny}}\n")
    port = find_free_port()
    settings = {"MOVIEREC_HOME": str(folder), "MOVIEREC_DAGSTER_PORT": str(port), **variables}
    with subprocess.Popen(
        [sys.executable, "-m", "assets.commands.dagster_ui", "--workspace", str(workspace)],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for_answer(f"{address}/server_info", process, seconds=120)
            yield address
        finally:
            process.terminate()
