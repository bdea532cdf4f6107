"""Addresses of this site that a visitor may be sent to: pages, and none of those that only take forms."""

import re
from urllib.parse import urlsplit

from fastapi.routing import iter_route_contexts
from starlette.requests import Request

PASSED_THROUGH = {"/sign-in", "/register", "/sign-out"}
LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
OF_A_MOVIE = re.compile(r"/movies/[^/]+(?=/)")
OF_MINE = "/me/"


def local(request: Request, address: str) -> str:
    """An address of this site that shows something, or the page that its forms stand on; else nothing."""
    if len(address) >= 2000 or not LOCAL.fullmatch(address):
        return ""
    path = re.split("[?#]", address, maxsplit=1)[0]
    return address if shows(request, path) else page_of_forms(path)


def shown_at(request: Request) -> str:
    """The page that shows what is asked for here."""
    return local(request, request.url.path) or "/"


def page_of_forms(path: str) -> str:
    """The page whose forms are sent to `path`; nothing where none is known."""
    if movie := OF_A_MOVIE.match(path):
        return movie[0]
    return "/me/account" if path.startswith(OF_MINE) else ""


def shows(request: Request, path: str) -> bool:
    """Whether GET is answered there."""
    routes = iter_route_contexts(request.app.routes)
    return any("GET" in (route.methods or ()) and route.path_regex.match(path) for route in routes)


def came_from(request: Request, default: str = "/") -> str:
    """The page of ours that the visitor saw before, but none of those through which one only passes."""
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return default
    if before.netloc != request.headers.get("host") or before.path in PASSED_THROUGH:
        return default
    return local(request, f"{before.path}?{before.query}" if before.query else before.path) or default
