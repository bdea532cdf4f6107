"""`python -m assets.commands.forget 123` takes a user of the data set out of all that the graph has made.

The user goes on the list of those whom the graph leaves out, everything is made and published again, older bundles are
deleted, and a search says what is left.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from assets.commands.pipeline import materialise_assets
from movierec.bundles.versioned_folders import delete_old_versions
from movierec.home_layout import HomeLayout
from movierec.settings import Settings
from resources.dagster_instance import prepare_dagster_home
from resources.dagster_previews import delete_previews_of_user, list_previews_of_user
from resources.sources.dataset import SourceError
from resources.sources.forgotten_users import acquire_remaining_dataset, add_forgotten_user
from resources.user_search import delete_rows_of_user, iter_files_of_user


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0 if nothing is left but the source, 1 if something is or a run failed, 2 for a setting."""
    parser = argparse.ArgumentParser(prog="python -m assets.commands.forget", description=__doc__)
    parser.add_argument("user_id", type=int, help="an id of the data set that MOVIEREC_SOURCE names")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment_or_exit()
    prepare_dagster_home(settings)
    layout = settings.layout
    try:
        dataset = acquire_remaining_dataset(settings.source, layout.raw, layout.forgotten_users)
    except SourceError as error:
        parser.exit(1, f"{error}\n")
    add_forgotten_user(layout.forgotten_users, dataset.name, given.user_id)
    for sample in list_samples(layout):
        if code := materialise_assets(settings, sample):
            return code
    delete_traces(layout, given.user_id)
    with dg.DagsterInstance.get() as instance:
        delete_previews_of_user(instance, given.user_id)
        previews = list_previews_of_user(instance, given.user_id)
    left = [path for folder in list_made_folders(layout) for path in iter_files_of_user(folder, given.user_id)]
    sources = list(iter_files_of_user(dataset.folder, given.user_id))
    left_lines = [str(path) for path in left] + [
        f"preview of {asset} in Dagster's run {run}" for asset, run in previews
    ]
    sys.stdout.writelines(f"{line}\n" for line in describe_search(settings, left_lines, sources))
    return 1 if left_lines else 0


def list_samples(layout: HomeLayout) -> list[str]:
    """The samples of which there are tables or bundles."""
    return sorted({folder.name for place in (layout.store, layout.published) for folder in place.glob("[!.]*")})


def list_made_folders(layout: HomeLayout) -> list[Path]:
    """The folders of all that the graph and its commands make."""
    return [layout.store, layout.published, layout.companion, layout.exports, layout.mlflow, layout.tuning]


def delete_traces(layout: HomeLayout, user_id: int) -> None:
    """Deletes versions of bundles, companions and models that are not current, and what no run has made again.

    Of a table the user's rows go; of a model with the user's id the whole version, as it belongs to no asset any more.
    An artifact of MLflow with the user's id is deleted: it is a copy of a model that was served before.
    """
    for place in (layout.published, layout.companion, layout.store):
        for pointer in list(place.rglob("CURRENT")):
            delete_old_versions(pointer.parent, kept=1)
    for folder in (layout.store, layout.exports):
        for path in list(iter_files_of_user(folder, user_id)):
            if path.exists() and not delete_rows_of_user(path, user_id):
                shutil.rmtree(find_version(path))
    for path in list(iter_files_of_user(layout.mlflow, user_id)):
        if not delete_rows_of_user(path, user_id):
            path.unlink()


def find_version(path: Path) -> Path:
    """The version's folder that holds the file: the one beside a CURRENT; the file's own folder without any."""
    return next((each for each in path.parents if (each.parent / "CURRENT").is_file()), path.parent)


def describe_search(settings: Settings, left: Sequence[str], sources: Sequence[Path]) -> Iterator[str]:
    """Sentences about what the search has found, and about what it cannot see."""
    if not left:
        yield "Forgotten. No table, bundle, export, artifact or preview holds a row of this user any more."
    for each in left:
        yield f"left: {each}"
    for path in sources:
        yield f"left in the source, whose rows of this user the graph no longer reads: {path}"
    if settings.export_database_url:
        yield "not searched: MOVIEREC_EXPORT_DATABASE_URL; `make database` writes it again without this user"


if __name__ == "__main__":
    sys.exit(main())
