from datetime import datetime

import polars as pl
import pytest

from movierec.bundles.descriptions import Descriptions, LiveDescriptions
from movierec.tmdb import metadata as star_schema
from movierec.tmdb.metadata import DESCRIPTIONS, METADATA_SCHEMAS, Metadata, MovieDetail, parse_image_path
from tests.fake_tmdb import load_records

NOW = datetime(2026, 1, 2)  # noqa: DTZ001  UTC without a zone
MOVIES = {each["id"]: each for each in load_records()}


def metadata(*bodies):
    return Metadata.from_details(MovieDetail(movie_id, body, NOW) for movie_id, body in enumerate(bodies, 1))


def test_an_answer_becomes_rows_of_a_star():
    star = metadata(MOVIES[862])
    assert star.movies.select("movie_id", "tmdb_id", "title", "runtime").row(0) == (1, 862, "Toy Story", 81)
    assert str(star.movies["release_date"][0]) == "1995-10-30"
    cast = star.cast.join(star.persons, on="person_id")
    assert cast.select("character", "name").row(0) == ("Woody (voice)", "Tom Hanks")
    genres = star.movie_genres.join(star.genres, on="genre_id", maintain_order="left")["name"].to_list()
    assert genres == [genre["name"] for genre in MOVIES[862]["genres"]]
    assert star.movie_companies["movie_id"].unique().to_list() == [1]


def test_every_table_has_the_columns_of_its_schema_also_without_any_movie():
    for star in (metadata(), metadata(*MOVIES.values())):
        for name, table in vars(star).items():
            assert dict(table.schema) == dict(METADATA_SCHEMAS[name]), name
    assert len(metadata().build_descriptions()) == 0


def test_persons_genres_and_companies_stand_once():
    star = metadata(*MOVIES.values())
    for table, key in (("persons", "person_id"), ("genres", "genre_id"), ("companies", "company_id")):
        assert getattr(star, table)[key].is_unique().all()
    assert set(star.cast["person_id"]) | set(star.crew["person_id"]) == set(star.persons["person_id"])


def test_batches_make_the_same_tables(monkeypatch):
    whole = metadata(*MOVIES.values())
    monkeypatch.setattr(star_schema, "BATCH_SIZE", 3)
    assert all(table.equals(vars(whole)[name]) for name, table in vars(metadata(*MOVIES.values())).items())


@pytest.mark.parametrize(
    "spoilt",
    [
        {"credits": None},
        {"credits": {"cast": None}},
        {"credits": [1]},
        {"credits": {"cast": [None, 1, {"id": "x"}, {"id": 5}], "crew": {}}},
        {"genres": None, "production_companies": "x", "release_date": "soon", "runtime": "long", "overview": 7},
        {"release_date": None, "title": None, "poster_path": 3, "budget": "1.5", "original_title": ["a"]},
    ],
)
def test_what_is_missing_or_of_another_type_is_null_and_spoils_nothing_else(spoilt):
    star = metadata({"id": 9} | spoilt, MOVIES[862])
    assert star.movies["tmdb_id"].to_list() == [9, 862]
    assert star.build_descriptions()["directors"].to_list() == [[], ["John Lasseter"]]


def test_zeros_and_empty_texts_are_what_tmdb_does_not_know():
    star = metadata({"id": 9, "runtime": 0, "budget": 0, "overview": " ", "tagline": ""})
    assert star.movies.select("runtime", "budget", "overview", "tagline").row(0) == (None, None, None, None)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/a/b.jpg", "a.jpg", "/a.svg", "/a.jpg\n", "/.jpg", "", None, 3])
def test_a_path_that_is_no_plain_name_of_an_image_is_none(path):
    assert parse_image_path(path) is None
    assert parse_image_path("/uXDfjJbdP4ijW5hWSBrPrlKpxab.jpg")


def test_a_description_names_directors_and_first_cast_and_a_title_that_differs():
    bodies = [MOVIES[762], MOVIES[603] | {"original_title": "マトリックス"}]
    described = Descriptions(metadata(*bodies).build_descriptions())
    grail, matrix = described.find_description(1), described.find_description(2)
    assert grail.directors == ("Terry Gilliam", "Terry Jones")
    assert grail.original_title is None
    assert matrix.original_title == "マトリックス"
    assert matrix.cast[0] == "Keanu Reeves"
    assert matrix.runtime == 136
    assert described.find_description(3) is None


def test_a_saved_star_is_the_same_when_loaded(tmp_path):
    star = metadata(*MOVIES.values())
    star.save(tmp_path)
    assert all(table.equals(vars(star)[name]) for name, table in vars(Metadata.load(tmp_path)).items())


def test_new_descriptions_are_seen_and_broken_ones_leave_the_old(tmp_path, caplog):
    path = tmp_path / "descriptions.parquet"
    live = LiveDescriptions(path)
    assert len(live()) == 0
    metadata(MOVIES[862]).build_descriptions().write_parquet(path)
    assert live().find_description(1).runtime == 81
    for broken in (b"no parquet", None):
        if broken:
            path.write_bytes(broken)
        else:
            pl.DataFrame({"movie_id": [1]}).write_parquet(path)
        assert live().find_description(1).runtime == 81
        assert live().find_description(1).runtime == 81
    assert len(caplog.messages) == 2
    path.unlink()
    assert len(live()) == 0


def test_descriptions_have_the_columns_of_their_schema():
    assert dict(metadata(MOVIES[862]).build_descriptions().schema) == dict(DESCRIPTIONS)


def test_movies_with_a_poster_can_be_told_apart():
    bodies = [MOVIES[762], MOVIES[603] | {"poster_path": None}]
    assert Descriptions(metadata(*bodies).build_descriptions()).movies_with_poster == {1}
