"""What people type, and the movies they mean."""

import numpy as np
import pytest

from movierec.catalog.catalog import Movie
from movierec.search.title_index import TitleIndex
from movierec.search.titles import alternative_titles, normalize_text, title_key, tokenize_title

MOVIES = [  # most popular first
    ("The Matrix", 1999),
    ("Star Wars: Episode IV - A New Hope", 1977),
    ("Seven (a.k.a. Se7en)", 1995),
    ("The Godfather", 1972),
    ("Heat", 1995),
    ("Amelie (Le Fabuleux destin d'Amélie Poulain)", 2001),
    ("Spider-Man", 2002),
    ("WALL·E", 2008),
    ("Rocky II", 1979),
    ("The Lord of the Rings: The Two Towers", 2002),
    ("The City of Lost Children (La Cité des enfants perdus)", 1995),
    ("Schindler's List", 1993),
    ("In the Heat of the Night", 1967),
    ("The Heat", 2013),
    ("Heat", 1972),
    ("1984", 1956),
    ("Łódź Story", None),
    ("$", 1971),
    ("Heathers", 1989),
    ("Frontière(s)", 2007),
]


@pytest.fixture(scope="module")
def index():
    found = [
        Movie(i, title, year, ("Drama",), None, 3.0, 1000 // i, None, None) for i, (title, year) in enumerate(MOVIES, 1)
    ]
    return TitleIndex.from_movies([*found, Movie(99, "Scream", 1996, ("Horror", "Sci-Fi"), None, 3.0, 1, None, None)])


def titles(index, query):
    score = index.search_titles(query).score
    order = np.argsort(-score, kind="stable")
    return [([*MOVIES, ("Scream", 1996)])[row] for row in order if score[row] > 0]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("the matrix", "The Matrix"),
        ("MATRIX, THE", "The Matrix"),
        ("matrix the", "The Matrix"),
        ("mat", "The Matrix"),
        ("star wars", "Star Wars: Episode IV - A New Hope"),
        ("starwars", "Star Wars: Episode IV - A New Hope"),
        ("start wars", "Star Wars: Episode IV - A New Hope"),
        ("se7en", "Seven (a.k.a. Se7en)"),
        ("seven", "Seven (a.k.a. Se7en)"),
        ("seven se7en", "Seven (a.k.a. Se7en)"),
        ("godfather", "The Godfather"),
        ("godfater", "The Godfather"),
        ("the godfahter", "The Godfather"),
        ("godfth", "The Godfather"),
        ("amélie", "Amelie (Le Fabuleux destin d'Amélie Poulain)"),
        ("fabuleux destin", "Amelie (Le Fabuleux destin d'Amélie Poulain)"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("wall-e", "WALL·E"),
        ("walle", "WALL·E"),
        ("rocky 2", "Rocky II"),
        ("rocky ²", "Rocky II"),
        ("two towers lord", "The Lord of the Rings: The Two Towers"),
        ("la cite des enfants", "The City of Lost Children (La Cité des enfants perdus)"),
        ("cité des enfants perdus, la", "The City of Lost Children (La Cité des enfants perdus)"),
        ("schindlers list", "Schindler's List"),
        ("schindler", "Schindler's List"),
        ("lodz", "Łódź Story"),
        ("$", "$"),
        ("1984", "1984"),
        ("horror 1996", "Scream"),
        ("sci-fi", "Scream"),
    ],
)
def test_a_movie_is_found_as_people_type_it(index, query, title):
    assert titles(index, query)[0][0] == title


def test_whole_titles_come_first_then_those_that_begin_so(index):
    assert titles(index, "heat") == [
        ("Heat", 1995),
        ("The Heat", 2013),
        ("Heat", 1972),
        ("Heathers", 1989),
        ("In the Heat of the Night", 1967),
    ]


def test_a_year_in_the_query_chooses_among_namesakes(index):
    assert titles(index, "heat 1972")[0] == ("Heat", 1972)
    assert titles(index, "heat 2013")[0] == ("The Heat", 2013)


def test_every_word_must_be_found_while_any_movie_has_them_all(index):
    assert titles(index, "heat night") == [("In the Heat of the Night", 1967)]


def test_typing_errors_are_named_with_what_was_meant(index):
    found = index.search_titles("the godfater")
    assert (found.state, found.corrected_query) == ("similar", "godfather")


def test_without_a_movie_that_has_all_words_those_with_most_come(index):
    assert index.search_titles("matrix zzzzzz").state == "partial"
    assert titles(index, "matrix zzzzzz") == [("The Matrix", 1999)]


@pytest.mark.parametrize("query", ["", "   ", "zxqwv", "???", "\ud800", "\x00", "<script>", "١٩٩٥"])
def test_what_nobody_is_called_finds_nothing(index, query):
    assert titles(index, query) == []


def test_letters_in_brackets_within_a_word_are_no_name_of_their_own():
    assert alternative_titles("Frontière(s)") == ["Frontière(s)"]
    assert alternative_titles("(500) Days of Summer") == ["(500) Days of Summer"]
    assert alternative_titles("Seven (a.k.a. Se7en)") == ["Seven", "Se7en", "Seven (a.k.a. Se7en)"]


def test_folding_takes_away_case_and_accents():
    assert normalize_text("ŁÓDŹ Straße Ærø") == "lodz strasse aero"


def test_two_spellings_of_a_name_have_one_key():
    assert title_key(tokenize_title("Matrix, The")) == title_key(tokenize_title("the  MATRIX")) == "matrix"
    assert title_key(tokenize_title("The")) == "the"


def test_an_empty_catalogue_finds_nothing():
    assert len(TitleIndex.from_movies([]).search_titles("heat").score) == 0


def test_a_query_of_many_unknown_words_is_answered(index):
    assert index.search_titles(" ".join(f"unknown{i}" for i in range(30))).state == "exact"
