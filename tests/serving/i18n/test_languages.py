"""English and Russian: who gets which, and that no text is missing."""

import re

import pytest

from serving.i18n import messages
from serving.i18n.languages import (
    ENGLISH,
    GENRE_CONTEXT,
    LANGUAGES,
    Language,
    Sentence,
    load_translations,
    negotiate_language,
)
from serving.i18n.problem_texts import PROBLEM_TEXTS
from serving.web.rendering import TEMPLATES_FOLDER
from tests.serving.conftest import Browser

OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})


def ids(catalogue: messages.Catalog) -> set[tuple[object, str | None]]:
    return {(message.id, message.context) for message in catalogue if message.id}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_in_the_catalogue_and_no_other(code: str) -> None:
    """Run `make messages` when this fails, and translate what it lists."""
    assert ids(messages.read_catalog(code)) == ids(messages.extract_messages())


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_in_every_plural_with_its_placeholders(code: str) -> None:
    assert list(messages.iter_faults(messages.read_catalog(code))) == []


def test_an_untranslated_text_and_a_lost_placeholder_are_faults() -> None:
    catalogue = messages.Catalog(locale="ru")
    catalogue.add("Home", "")
    catalogue.add(("%(n)s rating", "%(n)s ratings"), ("%(n)s оценка", "%(n)s оценки", "оценок"))
    catalogue.add("All movies", "Все фильмы")
    assert [fault.split(":")[0] for fault in messages.iter_faults(catalogue)] == [
        "not translated",
        "other placeholders",
    ]


def list_words_outside_expressions(template: str) -> set[str]:
    """What stands between tags without an expression or a trans block, but for names that are the same everywhere."""
    text = re.sub(
        r"{#.*?#}|{%-?\+? *trans.*?endtrans.*?%}|{%.*?%}|{{.*?}}|<cite>.*?</cite>", " ", template, flags=re.DOTALL
    )
    words = re.findall(r">([^<>]*[A-Za-z]{3}[^<>]*)<", text)
    names = {"movierec", "IMDb", "TMDB", "MovieLens", "nDCG@10", "https://doi.org/10.1145/2827872"}
    left = {word.strip() for word in words} - names
    return {word for word in left if not word.startswith("F. Maxwell") and "ACM Trans" not in word}


def test_no_sentence_of_a_template_is_left_out_of_the_catalogue() -> None:
    """Words between tags must come from an expression or a trans block."""
    assert list_words_outside_expressions('<p>Plain words <b>{{ _("said") }}</b></p>') == {"Plain words"}
    templates = list(TEMPLATES_FOLDER.rglob("*.html"))
    assert len(templates) > 20
    for template in templates:
        assert list_words_outside_expressions(template.read_text()) == set(), template.name


def test_every_problem_that_is_raised_has_its_sentence() -> None:
    """The keys stand as texts where they are raised; "too_many_requests" has its plural forms in the template."""
    pattern = r'(?:WriteDeclinedError\(|InvalidInputError\("\w+", |FilterError\(|self\.error\(|problem\w*=)"(\w+)"'
    sources = [
        *(messages.REPOSITORY_ROOT / "serving").rglob("*.py"),
        *(messages.REPOSITORY_ROOT / "movierec" / "search").rglob("*.py"),
    ]
    raised = {key for source in sources for key in re.findall(pattern, source.read_text())}
    assert len(raised) > 25
    assert raised - PROBLEM_TEXTS.keys() == {"too_many_requests"}


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de-DE,de;q=0.9,ru;q=0.5,en;q=0.3", "ru"),
        ("de,fr", "en"),
        ("ru;q=0, en;q=0.1", "en"),
        ("ru;q=high", "en"),
        (";;;,q=,=", "en"),
        ("*", "en"),
        ("RU-ru", "ru"),
    ],
)
def test_the_browser_prefers(accept: str | None, language: str) -> None:
    assert negotiate_language(accept) == language


def test_a_page_is_in_the_language_that_the_browser_prefers(browser: Browser) -> None:
    english, russian = browser.get("/"), browser.get("/", Accept_Language="ru,en;q=0.5")
    assert '<html lang="en">' in english.text
    assert "Trending Now" in english.text
    assert '<html lang="ru">' in russian.text
    assert "Сейчас в тренде" in russian.text
    for answer in (english, russian, browser.get_fragment("/movies")):
        assert {"Accept-Language", "Cookie"} <= set(answer.headers["vary"].split(", "))
    assert english.headers["etag"] != russian.headers["etag"]


def test_the_address_outvotes_the_cookie_and_the_cookie_the_browser(browser: Browser) -> None:
    assert 'lang="ru"' in browser.get("/", Cookie="lang=ru", Accept_Language="en").text.split("<head>")[0]
    assert 'lang="en"' in browser.get("/?lang=en", Cookie="lang=ru").text.split("<head>")[0]


def test_what_the_address_asks_for_is_remembered(browser: Browser) -> None:
    kept = browser.get("/movies?lang=ru").headers["set-cookie"]
    assert kept.startswith("lang=ru;")
    assert "HttpOnly" in kept
    assert "SameSite=lax" in kept
    assert "set-cookie" not in browser.get("/movies").headers


@pytest.mark.parametrize("unknown", ["xx", "", "../../etc", "ru%00", "%FF"])
def test_an_unknown_language_changes_nothing(browser: Browser, unknown: str) -> None:
    answer = browser.get(f"/?lang={unknown}")
    assert answer.status_code == 200
    assert '<html lang="en">' in answer.text
    assert "set-cookie" not in answer.headers


def test_the_switch_keeps_the_page_and_its_parameters(browser: Browser) -> None:
    footer = browser.get("/?user_id=3&lang=en").text.split("<footer")[1]
    assert 'href="?user_id=3&amp;lang=ru"' in footer
    assert re.search(r'lang="en"[^>]*aria-current="true"', footer)


@pytest.mark.parametrize(
    ("path", "page"),
    [("/movies/1/review", "/movies/1"), ("/me/profiles", "/me/account"), ("/welcome", "/welcome"), ("/nowhere", "/")],
)
def test_an_answer_to_a_form_is_changed_to_the_other_language_where_it_can_be_read(
    browser: Browser, path: str, page: str
) -> None:
    answer = browser.send_request("POST", f"{path}?lang=en&x=1", Content_Type="application/x-www-form-urlencoded")
    assert answer.status_code >= 400
    assert f'href="{page}?lang=ru"' in answer.text.split("<footer")[1]
    assert browser.get(f"{page}?lang=ru").status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/movies/0", "/movies?page=99"])
def test_errors_are_translated_too(browser: Browser, path: str) -> None:
    text = browser.get(path, Accept_Language="ru").text
    assert "Не найдено" in text
    assert not re.search(r"<p>[^<]*[A-Za-z]", text.split("<footer")[0])


def test_the_russian_page_says_nothing_in_english_but_names(browser: Browser) -> None:
    html = browser.get("/?user_id=3", Accept_Language="ru").text.split('id="main"')[1].split("</main>")[0]
    assert set(re.findall(r"[A-Za-z]{2,}", re.sub(r"^[^>]*>|<[^>]*>", " ", html))) <= {"Movie"}


def test_russian_counts_by_its_three_plurals() -> None:
    count = load_translations("ru").ngettext
    said = [count("%(n)s rating", "%(n)s ratings", n) % {"n": n} for n in (1, 3, 5, 11, 21)]
    assert said == ["1 оценка", "3 оценки", "5 оценок", "11 оценок", "21 оценка"]


def test_numbers_and_dates_are_written_as_the_language_does() -> None:
    assert [Language(code).number(9066) for code in ("en", "ru")] == ["9,066", "9\u00a0066"]
    assert [Language(code).number(4.25, 1) for code in ("en", "ru")] == ["4.2", "4,2"]


def test_an_unknown_genre_keeps_its_name() -> None:
    russian = Language("ru")
    assert (russian.genre("War"), russian.genre("Anime")) == ("Военный", "Anime")
    assert (GENRE_CONTEXT, "War") in {(message.context, message.id) for message in messages.read_catalog("ru")}


def test_a_sentence_is_translated_before_its_values_are_put_in() -> None:
    text = Sentence("There is no page %(number)s. The last page is %(pages)s.", {"number": 7, "pages": 6})
    assert Language("ru").translated(text) == "Страницы 7 нет. Последняя страница: 6."
    assert Language("ru").translated("100 % of <b>") == "100 % of <b>"
