"""The two ways a route answers: a whole page to a browser, a fragment of it to htmx."""

from starlette.requests import Request


def wants_fragment(request: Request) -> bool:
    """A request to restore history replaces the whole body, so it needs the whole page."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"
