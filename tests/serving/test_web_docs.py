"""docs/web.md and docs/api.md name every route of the site, and no other."""

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

from tests.serving.conftest import Browser


def test_the_table_of_routes_is_the_routes(browser: Browser) -> None:
    pages = Path("docs/web.md").read_text() + Path("docs/api.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z]+ \S+)` \|", pages, re.MULTILINE))
    routes = [
        f"{method} {route.path}"
        for route in iter_route_contexts(browser.app.routes)
        for method in sorted((route.methods or {"GET"}) - {"HEAD"})
    ]
    assert sorted(documented) == sorted(routes)
