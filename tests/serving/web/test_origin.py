"""What comes from another site changes nothing."""

from pathlib import Path

import pytest

from tests.serving.visits import FORM_MEDIA_TYPE, BrowserTab, get_chosen_rating, make_community, open_tab


@pytest.fixture
def victim(home: Path, tmp_path: Path) -> BrowserTab:
    found = open_tab(home, make_community(tmp_path))
    found.post("/movies/1/rating", rating="4")
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": "http://site"},
        {"Sec_Fetch_Site": "nonsense"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://site.evil.example"},
        {"Origin": "http://site:8080"},
        {"Origin": "http://[::1"},
        {"Origin": ""},
    ],
)
def test_a_form_of_another_site_is_refused(victim: BrowserTab, headers: dict[str, str]) -> None:
    answer = victim.send_request("POST", "/movies/1/rating", body=b"rating=1", Content_Type=FORM_MEDIA_TYPE, **headers)
    assert answer.status_code == 403
    assert "from another site" in answer.text
    assert get_chosen_rating(victim.get("/movies/1").text) == "4"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "http://site"},
        {"Origin": "https://SITE"},
        {},
    ],
)
def test_our_own_forms_and_programs_are_heard(victim: BrowserTab, headers: dict[str, str]) -> None:
    assert (
        victim.send_request(
            "POST", "/movies/1/rating", body=b"rating=1", Content_Type=FORM_MEDIA_TYPE, **headers
        ).status_code
        == 303
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_every_method_that_could_change_something_is_guarded(victim: BrowserTab, method: str) -> None:
    assert victim.send_request(method, "/movies/1", Sec_Fetch_Site="cross-site").status_code == 403


def test_the_api_refuses_in_json(victim: BrowserTab) -> None:
    answer = victim.send_request("POST", "/api/movies/1", Sec_Fetch_Site="cross-site")
    assert (answer.status_code, "another site" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/movies/1/rating", "POST"),
        ("PUT", "/movies/1/rating", "POST"),
        ("DELETE", "/movies/1", "GET, HEAD"),
        ("OPTIONS", "/movies/1/saved", "POST"),
        ("POST", "/movies/1/reviews", "GET, HEAD"),
        ("POST", "/static/site.css", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(victim: BrowserTab, method: str, path: str, allow: str) -> None:
    answer = victim.send_request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("/movies/2?x=1", "/movies/2?x=1"),
        ("//evil.example", "/movies/1?said=saved#actions-1"),
        ("/\\evil.example", "/movies/1?said=saved#actions-1"),
        ("https://evil.example", "/movies/1?said=saved#actions-1"),
        ("/\r\nSet-Cookie: a=b", "/movies/1?said=saved#actions-1"),
        ("/\tx", "/movies/1?said=saved#actions-1"),
        ("", "/movies/1?said=saved#actions-1"),
    ],
)
def test_a_form_leads_back_to_this_site_only(victim: BrowserTab, back: str, leads_to: str) -> None:
    assert victim.post("/movies/1/saved", on="1", back=back).headers["location"] == leads_to
