"""`python -m assets.commands.dagster_ui` serves the Dagster UI for its own pages and for programs alone."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from movierec.settings import Settings
from resources.dagster_instance import prepare_dagster_home
from resources.dagster_ui import serve_dagster_ui


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until a signal arrives. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m assets.commands.dagster_ui", description=__doc__)
    parser.add_argument("--host", help="the address to listen at, instead of MOVIEREC_LISTEN_HOST")
    parser.add_argument("--workspace", type=Path, help="a workspace.yaml, in place of pyproject.toml")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment_or_exit()
    prepare_dagster_home(settings)
    host = given.host or settings.listen_host
    serve_dagster_ui(host, settings.dagster_port, settings.ui_host_names, given.workspace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
