import pytest

from movierec.tmdb.title_matching import alternative_titles, find_best_match, normalize_title


def result(tmdb_id, title, released, original=None):
    return {"id": tmdb_id, "title": title, "original_title": original or title, "release_date": released}


def test_a_title_with_brackets_has_several_names():
    assert alternative_titles("Seven (a.k.a. Se7en)") == ["Seven", "Se7en"]
    assert (
        alternative_titles("The City of Lost Children (La Cité des enfants perdus)")[1] == "La Cité des enfants perdus"
    )
    assert alternative_titles("A (a.k.a. B) (C)") == ["A", "B", "C"]
    assert alternative_titles("(500) Days of Summer") == ["(500) Days of Summer"]
    assert alternative_titles("(...)") == ["(...)"]


def test_accents_case_and_punctuation_do_not_count():
    assert normalize_title("Léon: The Professional") == normalize_title("LEON the professional!")
    assert normalize_title("Tom & Jerry") == normalize_title("Tom and Jerry")


def test_the_name_and_the_year_decide_and_not_the_rank_in_the_search():
    remake = [result(1, "Psycho", "1998-12-04"), result(2, "Psycho", "1960-06-22")]
    assert find_best_match(remake, "Psycho", 1960) == 2
    assert find_best_match(remake, "Psycho", None) == 1


def test_a_year_beside_is_taken_where_the_same_year_is_not_there():
    found = [result(1, "Fargo", "1997-01-01"), result(2, "Fargo", "1996-03-08")]
    assert find_best_match(found, "Fargo", 1996) == 2
    assert find_best_match(found[:1], "Fargo", 1996) == 1
    assert find_best_match(found[:1], "Fargo", 1995) is None


def test_the_original_title_is_a_name_too():
    found = [result(7, "The Professional", "1994-09-14", original="Léon")]
    assert find_best_match(found, "Leon", 1994) == 7


def test_a_part_of_the_title_is_enough_in_just_that_year():
    found = [result(11, "Star Wars", "1977-05-25")]
    assert find_best_match(found, "Star Wars: Episode IV - A New Hope", 1977) == 11
    assert find_best_match(found, "Star Wars: Episode IV - A New Hope", 1978) is None
    assert find_best_match([result(3, "Mission", "1996-01-01")], "Mission: Impossible", 1996) is None


@pytest.mark.parametrize("broken", [{}, {"id": "7", "title": "Up"}, {"id": 7, "title": None}, {"id": 7, "title": "!"}])
def test_no_match_is_better_than_a_wrong_one(broken):
    assert find_best_match([broken], "Up", None) is None
    assert find_best_match([result(1, "Up", "")], "Up", 2009) is None
