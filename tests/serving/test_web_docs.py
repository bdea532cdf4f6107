"""docs/web.md names every route of the site, and no other."""

import re
from pathlib import Path

from serving import api, movies_api, pages, picture_pages, search
from tests.serving.conftest import Browser


def test_the_table_of_routes_is_the_routes(browser: Browser) -> None:
    documented = re.findall(r"^\| `GET (\S+)` \|", Path("docs/web.md").read_text(), re.MULTILINE)
    routers = [module.router for module in (api, movies_api, pages, picture_pages, search)]
    routes = [*browser.app.routes, *(route for router in routers for route in router.routes)]
    assert sorted(documented) == sorted(route.path for route in routes if hasattr(route, "path"))
