"""What a CSV file may hold, what is mended and what is refused; docs/data-input.md is the list."""

import os
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.data.schema import LINKS, RATINGS, RAW_MOVIES, TAGS
from resources.sources.csv_tables import InputError, RawTable, find_faults, read_table

DATA = Path(os.environ.get("MOVIEREC_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
HEADERS = {
    "ratings": "userId,movieId,rating,timestamp\n",
    "movies": "movieId,title,genres\n",
    "tags": "userId,movieId,tag,timestamp\n",
    "links": "movieId,imdbId,tmdbId\n",
}


def read(folder: Path, table: str, content: str | bytes, sample: str = "full") -> RawTable:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / f"{table}.csv").write_bytes(raw)
    return read_table(folder, table, sample)


def rows(table: RawTable) -> list[tuple[object, ...]]:
    found = table.frame.collect()
    assert found.height == table.counts["rows_kept"]
    return found.rows()


def faults(folder: Path, table: str, content: str | bytes) -> list[str]:
    """The lines of the error that the file gives, without the first and the last."""
    with pytest.raises(InputError) as error:
        read(folder, table, content)
    title, *found, advice = str(error.value).splitlines()
    assert title.startswith(f"{folder / table}.csv has ")
    assert advice == "Correct or delete these lines, then run again."
    return [line.strip() for line in found]


# --- read right ---


def test_ratings_come_in_the_platforms_words_and_types(tmp_path: Path) -> None:
    table = read(tmp_path, "ratings", HEADERS["ratings"] + "1,2,3.5,1112486027\n")
    assert table.frame.collect_schema() == RATINGS
    assert rows(table) == [(1, 2, 3.5, datetime(2005, 4, 2, 23, 53, 47))]  # noqa: DTZ001 - UTC, as the schema says
    assert table.counts == {
        "rows_read": 1,
        "blank_rows_dropped": 0,
        "empty_rating_dropped": 0,
        "outside_sample": 0,
        "rows_kept": 1,
        "extra_columns_ignored": 0,
    }


def test_links_keep_their_gaps(tmp_path: Path) -> None:
    table = read(tmp_path, "links", HEADERS["links"] + "1,0114709,862\r\n2,,\r\n3,0113228,\r\n")
    assert table.frame.collect_schema() == LINKS
    assert rows(table) == [(1, 114709, 862), (2, None, None), (3, 113228, None)]
    assert (table.counts["empty_imdb_id_null"], table.counts["empty_tmdb_id_null"]) == (1, 2)


def test_an_empty_tag_is_dropped(tmp_path: Path) -> None:
    table = read(tmp_path, "tags", HEADERS["tags"] + '1,2,funny,0\n1,2,,0\n1,2,"",0\n1,2,  ,0\n')
    assert table.frame.collect_schema() == TAGS
    assert [tag for _, _, tag, _ in rows(table)] == ["funny"]
    assert table.counts["empty_tag_dropped"] == 3


def test_an_empty_rating_is_dropped(tmp_path: Path) -> None:
    table = read(tmp_path, "ratings", HEADERS["ratings"] + "1,2,,0\n1,3,4,0\n")
    assert [movie for _, movie, _, _ in rows(table)] == [3]
    assert table.counts["empty_rating_dropped"] == 1


@pytest.mark.parametrize(
    ("cell", "title"),
    [
        ('"Matrix, The (1999)"', "Matrix, The (1999)"),
        ('"The ""burbs"" (1989)"', 'The "burbs" (1989)'),
        ('"Two\nlines"', "Two\nlines"),
        ('a "quote" inside', 'a "quote" inside'),
        ("Amélie", "Amélie"),
        ("", None),
        ('""', None),
    ],
)
def test_titles_are_read_as_csv_means_them(tmp_path: Path, cell: str, title: str | None) -> None:
    table = read(tmp_path, "movies", HEADERS["movies"] + f"1,{cell},War\n2,Heat,Crime\n")
    assert table.frame.collect_schema() == RAW_MOVIES
    assert rows(table) == [(1, title, "War"), (2, "Heat", "Crime")]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffuserId,movieId,rating,timestamp\n1,2,3.5,0\n",
        "userId,movieId,rating,timestamp\r\n1,2,3.5,0\r\n",
        "userId,movieId,rating,timestamp\r\n1,2,3.5,0\r",
        "userId,movieId,rating,timestamp\n1,2,3.5,0",
        '"userId","movieId","rating","timestamp"\n"1","2","3.5","0"\n',
        "timestamp,rating,movieId,userId\n0,3.5,2,1\n",
        "userId,note,movieId,rating,timestamp,\n1,any,2,3.5,0,\n",
        "\nuserId,movieId,rating,timestamp\n\n1,2,3.5,0\n,,,\n",
    ],
    ids=["bom", "crlf", "cr at the end", "no newline", "quoted", "other order", "extra columns", "blank lines"],
)
def test_one_rating_however_it_is_written(tmp_path: Path, content: str) -> None:
    assert [row[:3] for row in rows(read(tmp_path, "ratings", content))] == [(1, 2, 3.5)]


def test_extra_columns_and_blank_lines_are_counted(tmp_path: Path) -> None:
    content = "userId,note,movieId,rating,timestamp,more\n1,any,2,3.5,0,\n\n,,,,,\n"
    counts = read(tmp_path, "ratings", content).counts
    assert (counts["extra_columns_ignored"], counts["blank_rows_dropped"], counts["rows_read"]) == (2, 2, 1)


def test_only_the_samples_users_are_kept(tmp_path: Path) -> None:
    everyone = HEADERS["ratings"] + "".join(f"{user},1,4,0\n" for user in range(1000))
    table = read(tmp_path, "ratings", everyone, sample="10pct")
    users = {user for user, *_ in rows(table)}
    assert 80 < len(users) < 120
    assert table.counts["outside_sample"] == 1000 - len(users)


def test_movies_are_whole_in_every_sample(tmp_path: Path) -> None:
    table = read(tmp_path, "movies", HEADERS["movies"] + "1,a,\n2,b,\n3,c,\n", sample="1pct")
    assert len(rows(table)) == 3
    assert "outside_sample" not in table.counts


@pytest.mark.parametrize(("table", "schema"), [("tags", TAGS), ("links", LINKS)])
def test_without_tags_or_links_their_tables_are_empty(
    tmp_path: Path, table: str, schema: dict[str, pl.DataType]
) -> None:
    found = read_table(tmp_path, table, "full")
    assert found.counts == {"missing_file": 1}
    assert found.frame.collect_schema() == schema
    assert found.frame.collect().height == 0


def test_tags_and_links_may_have_a_header_only(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "tags", HEADERS["tags"])) == []
    assert rows(read(tmp_path, "links", HEADERS["links"])) == []


# --- refused ---


@pytest.mark.parametrize("table", ["ratings", "movies"])
def test_a_missing_file_is_refused(tmp_path: Path, table: str) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=rf"has no {table}\.csv; in it: notes\.txt"):
        read_table(tmp_path, table, "full")


def test_a_missing_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\['rating'\] once in its header; it has \['userId', 'movieId', 'r'"):
        read(tmp_path, "ratings", "userId,movieId,r,timestamp\n1,2,3,4\n")


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\['movieId'\] once"):
        read(tmp_path, "movies", "movieId,movieId,title,genres\n1,2,a,b\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("table", HEADERS)
def test_an_empty_file_is_refused(tmp_path: Path, table: str, content: bytes) -> None:
    with pytest.raises(InputError, match=rf"{table}\.csv is empty"):
        read(tmp_path, table, content)


@pytest.mark.parametrize("table", ["ratings", "movies"])
@pytest.mark.parametrize("rest", ["", "\n\n", ",,\n"])
def test_a_header_without_rows_is_refused(tmp_path: Path, table: str, rest: str) -> None:
    with pytest.raises(InputError, match="has a header but no rows"):
        read(tmp_path, table, HEADERS[table] + rest)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("x,2,3,4", "userId: 'x' is not a whole number from 0 to 2147483647"),
        (",2,3,4", "userId: '' is not a whole number from 0 to 2147483647"),
        ("1,-2,3,4", "movieId: '-2' is not a whole number from 0 to 2147483647"),
        ("1,2147483648,3,4", "movieId: '2147483648' is not a whole number from 0 to 2147483647"),
        ("1,2.0,3,4", "movieId: '2.0' is not a whole number from 0 to 2147483647"),
        ("1, 2,3,4", "movieId: ' 2' is not a whole number from 0 to 2147483647"),
        ("1,2,0.4,4", "rating: '0.4' is not a number from 0.5 to 5"),
        ("1,2,5.01,4", "rating: '5.01' is not a number from 0.5 to 5"),
        ("1,2,NaN,4", "rating: 'NaN' is not a number from 0.5 to 5"),
        ("1,2,good,4", "rating: 'good' is not a number from 0.5 to 5"),
        ("1,2,3,-1", "timestamp: '-1' is not a whole number from 0 to 4102444800"),
        ("1,2,3,1112486027000", "timestamp: '1112486027000' is not a whole number from 0 to 4102444800"),
        ("1,2,3,", "timestamp: '' is not a whole number from 0 to 4102444800"),
        ("1,2,3,2005-04-02", "timestamp: '2005-04-02' is not a whole number from 0 to 4102444800"),
    ],
)
def test_a_faulty_number_is_refused(tmp_path: Path, row: str, fault: str) -> None:
    assert faults(tmp_path, "ratings", HEADERS["ratings"] + f"1,1,1,1\n{row}\n") == [f"line 3, {fault}"]


@pytest.mark.parametrize("rating", ["0.5", "5", "5.0", "4.25"])
def test_the_bounds_of_a_rating_belong_to_it(tmp_path: Path, rating: str) -> None:
    assert rows(read(tmp_path, "ratings", HEADERS["ratings"] + f"1,2,{rating},0\n"))[0][2] == float(rating)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("7,Heat", "line 3: 2 cells, where the header has 3"),
        ("7,Heat,Crime,War", "line 3: 4 cells, where the header has 3"),
        ("7,Caf\xe9,Crime", r"line 3, title: b'Caf\xe9' is not UTF-8"),
    ],
)
def test_a_broken_row_is_refused(tmp_path: Path, row: str, fault: str) -> None:
    content = HEADERS["movies"] + f"1,a,b\n{row}\n2,c,d\n"
    assert faults(tmp_path, "movies", content.encode("latin-1")) == [fault]


@pytest.mark.parametrize("rest", ["2,b,c\n", '2,"b, c",d\n', "2,b,c\n" * 50_000], ids=["end", "quote", "far"])
def test_a_quote_that_is_not_closed_is_refused(tmp_path: Path, rest: str) -> None:
    [fault] = faults(tmp_path, "movies", HEADERS["movies"] + '1,a,b\n7,"open,War\n' + rest)
    assert fault.startswith("line 3: a quote is opened and not closed where the cell ends")


def test_lines_are_those_of_the_file_after_quoted_newlines(tmp_path: Path) -> None:
    content = HEADERS["movies"] + '1,"a\n\nb",War\n\nx,c,\n'
    assert [fault.split(",")[0] for fault in faults(tmp_path, "movies", content)] == ["line 6"]


def test_all_faults_come_at_once_the_first_ten_with_their_lines(tmp_path: Path) -> None:
    content = HEADERS["ratings"] + "1,2,3,4\n" + "x,2,9,4\n" * 8
    with pytest.raises(InputError, match="has 16 faults, the first 10 of them:") as error:
        read(tmp_path, "ratings", content)
    lines = str(error.value).splitlines()
    assert len(lines) == 12
    assert lines[10].strip() == "line 7, rating: '9' is not a number from 0.5 to 5"


def test_a_fault_outside_the_sample_is_a_fault(tmp_path: Path) -> None:
    inside = rows(read(tmp_path, "ratings", HEADERS["ratings"] + "52,1,4,0\n1,1,4,0\n", sample="1pct"))
    assert [user for user, *_ in inside] == [52]
    with pytest.raises(InputError, match="line 3, rating"):
        read(tmp_path, "ratings", HEADERS["ratings"] + "52,1,4,0\n1,1,40,0\n", sample="1pct")


MAC = "userId,movieId,rating,timestamp\r1,2,3,4\r"


@pytest.mark.parametrize("content", [MAC, MAC.replace("\r", "\r\r\n"), MAC.replace("userId", '"userId"'), "\r" + MAC])
def test_line_ends_of_old_macs_are_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"ratings.csv has lines ended by CR.*write it again with LF or CRLF"):
        read(tmp_path, "ratings", content)


def test_a_line_end_of_an_old_mac_below_the_header_is_a_fault_with_its_line(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, "ratings", HEADERS["ratings"] + "1,2,3,4\n1,3,3,4\r1,4,3,4\n")
    assert fault.startswith("line 3: a line is ended by CR alone")


def test_what_is_no_csv_at_all_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ratings.csv has no header that can be read"):
        read(tmp_path, "ratings", b"\0\1\2" * 60_000)


def test_a_long_value_is_shortened(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, "movies", HEADERS["movies"] + "x" * 5000 + ",a,b\n")
    assert len(fault) < 150


PIECES = ["1", "2", ",", ",", "\n", "\r\n", '"', '""', "a", " ", "-1", "é", "9", "1e0", "+1", ",,,", "\n1,2,3,4\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_the_quick_reading_and_the_exact_one_agree(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = HEADERS["ratings"] + "1,2,3,4\n" + "".join(pieces) + "\n1,2,3,4\n"
    try:
        table = read(folder, "ratings", content)
    except InputError as error:
        assert "cannot be read" not in str(error)  # the exact reading has named the fault
    else:
        assert list(find_faults(folder / "ratings.csv")) == []
        assert table.frame.collect().height == table.counts["rows_kept"]


# --- the real files ---


@pytest.mark.parametrize(
    ("table", "kept", "gaps"),
    [
        ("ratings", 100_836, {}),
        ("movies", 9_742, {"empty_title_null": 0}),
        ("tags", 3_683, {"empty_tag_dropped": 0}),
        ("links", 9_742, {"empty_imdb_id_null": 0, "empty_tmdb_id_null": 8}),
    ],
)
def test_the_real_files_are_read_whole(table: str, kept: int, gaps: dict[str, int]) -> None:
    folder = DATA / "ml-latest-small"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: point MOVIEREC_TEST_DATA to a folder with ml-latest-small")
    found = read_table(folder, table, "full")
    assert found.counts.items() >= ({"rows_read": kept, "rows_kept": kept} | gaps).items()
    assert found.frame.drop_nulls().collect().height == kept - gaps.get("empty_tmdb_id_null", 0)
