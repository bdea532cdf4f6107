"""`python -m assets.commands.migrate` writes Dagster's configuration and brings its tables to the installed version."""

import sys

from movierec.settings import Settings, SettingsError
from resources.dagster_instance import migrate_dagster_storage, prepare_dagster_home


def main() -> int:
    """Gives the exit code: 0, or 2 if a variable cannot be used."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    prepare_dagster_home(settings)
    migrate_dagster_storage()
    return 0


if __name__ == "__main__":
    sys.exit(main())
