"""Previews of tables in Dagster's events: the first rows, which may be those of a user who is to be forgotten."""

import dagster as dg

from resources.user_search import ID_COLUMNS

PREVIEW = "preview"  # the name that the I/O managers give it
PAGE = 500


def delete_previews_of_user(instance: dg.DagsterInstance, user_id: int) -> None:
    """Deletes the runs whose materializations show a row of the user, but for the latest of each asset.

    Dagster keeps that one anyway; it shows the user only if the asset was not made again since.
    """
    from resources.retention import delete_run

    for run_id in sorted({run_id for _, run_id in list_previews_of_user(instance, user_id)}):
        delete_run(instance, run_id)


def list_previews_of_user(instance: dg.DagsterInstance, user_id: int) -> list[tuple[str, str]]:
    """`(asset, run)` of every stored materialization whose preview shows a row of the user."""
    found = []
    for key in instance.get_asset_keys():
        cursor, has_more = None, True
        while has_more:
            page = instance.fetch_materializations(key, limit=PAGE, cursor=cursor)
            cursor, has_more = page.cursor, page.has_more
            for record in page.records:
                event = record.asset_materialization
                preview = event.metadata.get(PREVIEW) if event else None
                if isinstance(preview, dg.MarkdownMetadataValue) and shows_user(preview.md_str or "", user_id):
                    found.append((key.to_user_string(), record.run_id))
    return found


def shows_user(table: str, user_id: int) -> bool:
    """Whether a row of the table in Markdown has the id in a column of user ids."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    at = next((rows[0].index(name) for name in ID_COLUMNS if rows and name in rows[0]), None)
    return at is not None and any(len(row) > at and row[at] == str(user_id) for row in rows[1:])
