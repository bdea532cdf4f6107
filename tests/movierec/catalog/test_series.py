import pytest

from movierec.catalog.series import find_series, get_series_title


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Toy Story 2 (1999)", "toy story"),
        ("Matrix, The (1999)", "matrix"),
        ("Godfather: Part II, The (1974)", "godfather"),
        ("Star Wars: Episode IV - A New Hope (1977)", "star wars"),
        ("Rocky III (1982)", "rocky"),
        ("Back to the Future Part II (1989)", "back to the future"),
        ("Seven (a.k.a. Se7en) (1995)", "seven"),
        ("2001: A Space Odyssey (1968)", "2001"),
        ("", ""),
    ],
)
def test_the_words_of_a_series_are_without_year_article_number_and_subtitle(title, words):
    assert " ".join(get_series_title(title)) == words


def test_titles_that_begin_alike_are_pairs_in_both_directions():
    titles = ["Matrix, The (1999)", "Heat (1995)", "Matrix Reloaded, The (2003)", "Matrix Revolutions, The (2003)"]
    pairs = set(zip(*(each.tolist() for each in find_series(titles)), strict=True))
    # Each later part begins like the first; with each other the two later ones share one word only.
    assert pairs == {(0, 2), (2, 0), (0, 3), (3, 0)}


def test_a_word_that_begins_many_titles_is_no_series():
    assert len(find_series(["Love (1991)", *(f"Love word{i}" for i in range(40))])[0]) == 0
    assert len(find_series([])[0]) == 0
