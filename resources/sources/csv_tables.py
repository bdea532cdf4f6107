"""Reads MovieLens CSV files as raw tables. Some faults are repaired or dropped and counted; all others are errors.

docs/data-input.md lists the rules.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import polars as pl

from movierec.data.sampling import is_in_sample
from movierec.data.schema import LINKS, RATINGS, RAW_MOVIES, TAGS, TIMESTAMP, Schema

_MAX_SHOWN_FAULTS = 10  # faults that a message spells out
_MAX_QUOTED_LENGTH = 40  # characters of a faulty value that it quotes


class InputError(ValueError):
    """A CSV file cannot be used. The message lists the faults with their line numbers."""


@dataclass(frozen=True)
class RawTable:
    """The rows of one CSV file with our column names and types, and counts of rows read, dropped and kept."""

    frame: pl.LazyFrame
    counts: dict[str, int]


class _NumberRange(NamedTuple):
    """A whole or decimal number between two bounds, both allowed."""

    is_whole: bool
    low: float
    high: float

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number from {self.low} to {self.high}"


_ID_RANGE = _NumberRange(is_whole=True, low=0, high=2**31 - 1)
_RATING_RANGE = _NumberRange(is_whole=False, low=0.5, high=5)
_TIMESTAMP_RANGE = _NumberRange(
    is_whole=True, low=0, high=4_102_444_800
)  # to the year 2100; milliseconds are far beyond

_INTEGER_PATTERN = re.compile(r"[+-]?[0-9]+")
_DECIMAL_PATTERN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class _CsvColumn(NamedTuple):
    """A column of a CSV file: a number within a range, or text.

    `if_empty` says what happens to an empty cell: an error ("fault"), the row is dropped, or the value becomes null.
    """

    header: str
    name: str
    number_range: _NumberRange | None
    if_empty: Literal["fault", "dropped", "null"]


_USER_COLUMN = _CsvColumn("userId", "user_id", _ID_RANGE, "fault")
_MOVIE_COLUMN = _CsvColumn("movieId", "movie_id", _ID_RANGE, "fault")
_COLUMNS = {
    "ratings": [
        _USER_COLUMN,
        _MOVIE_COLUMN,
        _CsvColumn("rating", "rating", _RATING_RANGE, "dropped"),
        _CsvColumn("timestamp", "rated_at", _TIMESTAMP_RANGE, "fault"),
    ],
    "movies": [_MOVIE_COLUMN, _CsvColumn("title", "title", None, "null"), _CsvColumn("genres", "genres", None, "null")],
    "tags": [
        _USER_COLUMN,
        _MOVIE_COLUMN,
        _CsvColumn("tag", "tag", None, "dropped"),
        _CsvColumn("timestamp", "tagged_at", _TIMESTAMP_RANGE, "fault"),
    ],
    "links": [
        _MOVIE_COLUMN,
        _CsvColumn("imdbId", "imdb_id", _ID_RANGE, "null"),
        _CsvColumn("tmdbId", "tmdb_id", _ID_RANGE, "null"),
    ],
}
_SCHEMAS: dict[str, Schema] = {"ratings": RATINGS, "movies": RAW_MOVIES, "tags": TAGS, "links": LINKS}
_REQUIRED_TABLES = ("ratings", "movies")


def read_table(folder: Path, table: str, sample: str) -> RawTable:
    """Reads `table` (ratings, movies, tags or links) from `folder`; of ratings and tags only the users of the sample.

    The whole file is checked at once, for all users, as a stream that is not kept in memory. The returned lazy frame
    reads the file again when it is collected. A missing tags.csv or links.csv gives an empty table. Raises InputError.
    """
    path, columns = folder / f"{table}.csv", _COLUMNS[table]
    if not path.is_file():
        if table in _REQUIRED_TABLES:
            found = ", ".join(sorted(each.name for each in folder.glob("*"))) or "nothing"
            raise InputError(f"{folder} has no {path.name}; in it: {found}")
        return RawTable(pl.LazyFrame(schema=_SCHEMAS[table]), {"missing_file": 1})
    rows = _scan_rows(path, columns)
    counts = _check_and_count_rows(path, rows, columns, sample=sample)
    if table in _REQUIRED_TABLES and not counts["rows_read"]:
        raise InputError(f"{path} has a header but no rows; put the whole file there")
    kept = rows.filter(_is_kept(columns, sample))
    return RawTable(kept.select(_parse_column(column, _SCHEMAS[table]) for column in columns), counts)


def _read_header(path: Path) -> list[str]:
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
        if b"\r" in first.removesuffix(b"\n").removesuffix(b"\r"):
            raise InputError(f"{path} has lines ended by CR, as on old Macs; write it again with LF or CRLF line ends")
        file.seek(0)
        try:
            header = next((row for row in csv.reader(_decode_lines(file)) if row), [])
        except csv.Error as error:
            raise InputError(f"{path} has no header that can be read ({error}); write it again as CSV") from error
    if not header:
        raise InputError(f"{path} is empty; put the whole file there")
    return header


def _scan_rows(path: Path, columns: list[_CsvColumn]) -> pl.LazyFrame:
    """The rows of the file as text, with a parsed `user_id` added if the file has users (for `is_in_sample`)."""
    header = _read_header(path)
    wrong = [column.header for column in columns if header.count(column.header) != 1]
    if wrong:
        found = [name[:_MAX_QUOTED_LENGTH] for name in header[:20]]
        raise InputError(f"{path} must name each of the columns {wrong} once in its header; it has {found}")
    rows = pl.scan_csv(path, infer_schema=False)
    return rows.with_columns(_parse_column(_USER_COLUMN, RATINGS)) if _USER_COLUMN in columns else rows


def _check_and_count_rows(path: Path, rows: pl.LazyFrame, columns: list[_CsvColumn], *, sample: str) -> dict[str, int]:
    """Counts of the rows by what happens to them. Raises InputError if any row has a fault.

    Polars counts quickly; only if it finds a fault, the csv module reads the file again to find the line numbers.
    """
    names = [name for name in rows.collect_schema().names() if name != _USER_COLUMN.name]
    try:
        found = (
            rows.select(**_build_count_expressions(names, columns, sample))
            .collect(engine="streaming")
            .row(0, named=True)
        )
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
        found, trouble = {}, str(error).splitlines()[0]
    else:
        trouble = f"{found['faulty_rows']} rows with values that are no numbers" * bool(found["faulty_rows"])
    if trouble or found["last_cells_missing"]:
        _raise_for_faults(path, find_faults(path))
    if trouble:
        raise InputError(f"{path} cannot be read: {trouble}; write it again as plain CSV")
    return {key: count for key, count in found.items() if key not in {"faulty_rows", "last_cells_missing"}}


def _build_count_expressions(names: list[str], columns: list[_CsvColumn], sample: str) -> dict[str, pl.Expr]:
    blank = _is_blank(columns)
    empty = {f"empty_{column.name}_{column.if_empty}": column for column in columns if column.if_empty != "fault"}
    outside = _is_usable(columns) & ~_is_kept(columns, sample)
    return {
        "rows_read": (~blank).sum(),
        "blank_rows_dropped": blank.sum(),
        **{key: (_is_empty(column) & ~blank).sum() for key, column in empty.items()},
        **({"outside_sample": outside.sum()} if _USER_COLUMN in columns else {}),
        "rows_kept": _is_kept(columns, sample).sum(),
        "extra_columns_ignored": pl.lit(len(names) - len(columns)),
        "faulty_rows": (pl.any_horizontal(map(_is_faulty, columns)) & ~blank).sum(),
        # Polars fills up a row that is too short; and it looks for rows too long in the last column only.
        "last_cells_missing": (pl.col(names[-1]).is_null() & ~blank).sum(),
    }


def _is_empty(column: _CsvColumn) -> pl.Expr:
    cell = pl.col(column.header)
    text = cell.str.strip_chars() if column.number_range is None else cell
    return text.is_null() | (text == "")


def _is_blank(columns: list[_CsvColumn]) -> pl.Expr:
    return pl.all_horizontal(map(_is_empty, columns))


def _is_usable(columns: list[_CsvColumn]) -> pl.Expr:
    dropping = [column for column in columns if column.if_empty == "dropped"]
    return ~pl.any_horizontal(_is_blank(columns), *map(_is_empty, dropping))


def _is_kept(columns: list[_CsvColumn], sample: str) -> pl.Expr:
    if _USER_COLUMN not in columns:
        return _is_usable(columns)
    return _is_usable(columns) & is_in_sample(sample)


def _is_faulty(column: _CsvColumn) -> pl.Expr:
    if column.number_range is None:
        return pl.lit(value=False)
    dtype = pl.Int64 if column.number_range.is_whole else pl.Float64
    number = pl.col(column.header).cast(dtype, strict=False)
    fits = number.is_between(column.number_range.low, column.number_range.high).fill_null(value=False)
    return ~fits if column.if_empty == "fault" else ~(fits | _is_empty(column))


def _parse_column(column: _CsvColumn, schema: Schema) -> pl.Expr:
    dtype, cell = schema[column.name], pl.col(column.header)
    if dtype == TIMESTAMP:
        parsed = (cell.cast(pl.Int64, strict=False) * 1000).cast(TIMESTAMP)
    elif column.number_range:
        parsed = cell.cast(dtype, strict=False)
    else:
        parsed = pl.when(~_is_empty(column)).then(cell)
    return parsed.alias(column.name)


def _raise_for_faults(path: Path, faults: Iterator[str]) -> None:
    first = list(islice(faults, _MAX_SHOWN_FAULTS))
    if not first:
        return
    total = len(first) + sum(1 for _ in faults)
    title = f"{path} has {total} fault{'s'[: total - 1]}"
    title += f", the first {_MAX_SHOWN_FAULTS} of them:" if total > _MAX_SHOWN_FAULTS else ":"
    raise InputError("\n  ".join([title, *first]) + "\nCorrect or delete these lines, then run again.")


def find_faults(path: Path) -> Iterator[str]:
    """Every fault of a table's file, from its top, with the line on which the row begins. Slow and exact.

    `path` ends with ratings.csv, movies.csv, tags.csv or links.csv.
    """
    columns = _COLUMNS[path.stem]
    with path.open("rb") as file:
        rows = csv.reader(_decode_lines(file), strict=True)
        header: list[str] = []
        line = 1
        try:
            for row in rows:
                if header:
                    yield from (f"line {line}{fault}" for fault in _iter_row_faults(row, header, columns))
                header = header or row
                line = rows.line_num + 1
        except csv.Error as error:
            yield f"line {line}: {_explain_csv_error(error)} ({error}); unread from here"


def _explain_csv_error(error: csv.Error) -> str:
    if "new-line" in str(error):
        return "a line is ended by CR alone, where LF or CRLF is wanted"
    return "a quote is opened and not closed where the cell ends"


def _iter_row_faults(row: list[str], header: list[str], columns: Iterable[_CsvColumn]) -> Iterator[str]:
    cells = dict(zip(header, row, strict=False))
    is_blank = all(_strip_text_cell(cells.get(column.header, ""), column) == "" for column in columns)
    if len(row) > len(header) or (len(row) < len(header) and not is_blank):
        yield f": {len(row)} cells, where the header has {len(header)}"
        return
    if is_blank:
        return
    rules = {column.header: column for column in columns}
    for name, cell in cells.items():
        column = rules.get(name)
        if not _is_utf8(cell):
            yield f", {name}: {_quote_cell(cell)} is not UTF-8"
        elif column and column.number_range and not _is_valid_cell(cell, column.number_range, column.if_empty):
            yield f", {name}: {_quote_cell(cell)} is not {column.number_range}"


def _strip_text_cell(cell: str, column: _CsvColumn) -> str:
    return cell if column.number_range else cell.strip()


def _is_valid_cell(cell: str, number_range: _NumberRange, if_empty: str) -> bool:
    """The same rule as `_is_faulty`, negated, for one cell."""
    if cell == "":
        return if_empty != "fault"
    pattern = _INTEGER_PATTERN if number_range.is_whole else _DECIMAL_PATTERN
    return bool(pattern.fullmatch(cell)) and number_range.low <= float(cell) <= number_range.high


def _decode_lines(file: BinaryIO) -> Iterator[str]:
    """The lines of the file as text, without a byte order mark; bytes that are not UTF-8 become surrogates."""
    return (line.decode("utf-8-sig", errors="surrogateescape") for line in file)


def _is_utf8(cell: str) -> bool:
    return cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell)


def _quote_cell(cell: str) -> str:
    shown: Any = (
        cell[:_MAX_QUOTED_LENGTH] if _is_utf8(cell) else cell[:_MAX_QUOTED_LENGTH].encode(errors="surrogateescape")
    )
    return f"{shown!r}{'…' if len(cell) > _MAX_QUOTED_LENGTH else ''}"
