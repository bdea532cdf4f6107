"""Pages that a command writes with a section for each data set."""

from pathlib import Path

from movierec.bundles.atomic_write import atomic_write


def write_section(page: Path, *, head: str, title: str, section: str) -> None:
    """Writes `head` and the sections of the page, the one called `title` replaced or added, sorted by title.

    `section` begins with its heading "## title" after an empty line.
    """
    old = page.read_text() if page.is_file() else ""
    kept = {each.partition("\n")[0]: f"\n## {each.rstrip()}\n" for each in old.split("\n## ")[1:]}
    with atomic_write(page) as part:
        part.write_text(head + "".join(text for _, text in sorted((kept | {title: section}).items())))
