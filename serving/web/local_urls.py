"""URLs of this site that a visitor may be redirected to: only paths that answer GET, never another site."""

import re
from urllib.parse import urlsplit

from fastapi.routing import iter_route_contexts
from starlette.requests import Request

TRANSIT_PATHS = {"/sign-in", "/register", "/sign-out"}
LOCAL_URL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
MOVIE_PATH = re.compile(r"/movies/[^/]+(?=/)")
MY_PATH_PREFIX = "/me/"


def sanitize_local_url(request: Request, address: str) -> str:
    """The URL if it is a page of this site, else the page that holds the forms for this path, else an empty text."""
    if len(address) >= 2000 or not LOCAL_URL.fullmatch(address):
        return ""
    path = re.split("[?#]", address, maxsplit=1)[0]
    return address if has_get_route(request, path) else find_form_page(path)


def find_page_url(request: Request) -> str:
    """The page that belongs to the path of this request, `/` if there is none."""
    return sanitize_local_url(request, request.url.path) or "/"


def find_form_page(path: str) -> str:
    """The page with the forms that post to `path`; an empty text where none is known."""
    if movie := MOVIE_PATH.match(path):
        return movie[0]
    return "/me/account" if path.startswith(MY_PATH_PREFIX) else ""


def has_get_route(request: Request, path: str) -> bool:
    """Whether a route of the app answers GET on this path."""
    routes = iter_route_contexts(request.app.routes)
    return any("GET" in (route.methods or ()) and route.path_regex.match(path) for route in routes)


def find_referring_page(request: Request, default: str = "/") -> str:
    """The page in the Referer header; `default` for another site, for an invalid header, for sign-in and sign-up."""
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return default
    if before.netloc != request.headers.get("host") or before.path in TRANSIT_PATHS:
        return default
    return sanitize_local_url(request, f"{before.path}?{before.query}" if before.query else before.path) or default
