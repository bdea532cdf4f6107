"""Years, display titles and genres out of what MovieLens writes."""

import polars as pl
import pytest

from movierec.data import movielens


def of(title: str | None, expression: pl.Expr) -> object:
    return pl.DataFrame({"it": title}, schema={"it": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Toy Story (1995)", 1995),
        ("(500) Days of Summer (2009)", 2009),
        ("2001: A Space Odyssey (1968)", 1968),
        ("Moon (1997– )", 1997),
        ("Big Bang Theory, The (2007-)", 2007),
        ("Fawlty Towers (1975-1979)", 1975),
        ("Death Note: Desu nôto (2006–2007)", 2006),
        ("Assembly (Ji jie hao) (2007) ", 2007),
        ("Passage of Venus (1874)", 1874),
        ("Babylon 5", None),
        ("Blade Runner 2049", None),
        ("(2010) Odyssey", None),
        ("Area (5150)", None),
        ("Zip (12345)", None),
        ("", None),
        (None, None),
    ],
)
def test_the_year_is_the_one_that_ends_the_title(title: str | None, year: int | None) -> None:
    assert of(title, movielens.parse_year(pl.col("it"))) == year


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Matrix, The (1999)", "The Matrix"),
        ("Christmas Story, A (1983)", "A Christmas Story"),
        ("American Werewolf in London, An (1981)", "An American Werewolf in London"),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            "The City of Lost Children (La Cité des enfants perdus)",
        ),
        (
            "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
            "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)",
        ),
        ("Adventure, The (Avventura, L') (1960)", "The Adventure (L'Avventura)"),
        ("Avventura, L’ (1960)", "L’Avventura"),
        ("Seven (a.k.a. Se7en) (1995)", "Seven (a.k.a. Se7en)"),
        ("Léon (a.k.a. Professional, The) (Léon) (1994)", "Léon (a.k.a. The Professional) (Léon)"),
        ("Wings of Desire (Himmel über Berlin, Der) (1987)", "Wings of Desire (Der Himmel über Berlin)"),
        ("Downfall (Untergang, Der) (2004)", "Downfall (Der Untergang)"),
        ("Vitelloni, I (1953)", "I Vitelloni"),
        ("(500) Days of Summer (2009)", "(500) Days of Summer"),
        ("Paris, Texas (1984)", "Paris, Texas"),
        ("I, Robot (2004)", "I, Robot"),
        ("Moon (1997– )", "Moon"),
        ("Superman/Doomsday (2007) ", "Superman/Doomsday"),
        ("Babylon 5", "Babylon 5"),
        ("(1999)", "(1999)"),
        (None, None),
    ],
)
def test_the_display_title_reads_as_people_say_it(title: str | None, shown: str | None) -> None:
    assert of(title, movielens.parse_display_title(pl.col("it"))) == shown


@pytest.mark.parametrize("article", ["Le", "La", "Les", "Il", "El", "Los", "Las", "Die", "Das", "Un", "Une", "Una"])
def test_articles_of_other_languages_come_to_the_front(article: str) -> None:
    assert of(f"Nom, {article} (2000)", movielens.parse_display_title(pl.col("it"))) == f"{article} Nom"


@pytest.mark.parametrize(
    ("genres", "names"),
    [
        ("Comedy|Drama", ["Comedy", "Drama"]),
        ("Western", ["Western"]),
        ("(no genres listed)", []),
        ("", []),
        ("Comedy||Drama|", ["Comedy", "Drama"]),
        (None, []),
    ],
)
def test_genres_become_a_list(genres: str | None, names: list[str]) -> None:
    table = pl.DataFrame({"it": genres}, schema={"it": pl.String})
    assert table.select(movielens.parse_genres(pl.col("it"))).to_series().to_list() == [names]


def test_there_are_19_genres_in_alphabetical_order() -> None:
    assert len(movielens.GENRES) == 19
    assert list(movielens.GENRES) == sorted(movielens.GENRES)
