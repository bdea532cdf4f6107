"""`python -m assets.commands.migrate` writes Dagster's configuration and brings its tables to the installed version."""

import sys

from movierec.settings import Settings
from resources.dagster_instance import migrate_dagster_storage, prepare_dagster_home


def main() -> int:
    """Gives the exit code 0; a variable that cannot be used ends the process with code 2."""
    settings = Settings.from_environment_or_exit()
    prepare_dagster_home(settings)
    migrate_dagster_storage()
    return 0


if __name__ == "__main__":
    sys.exit(main())
