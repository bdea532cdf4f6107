"""All movies, a page at a time."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.pages.grid import GridPageNumber, build_catalogue_page
from serving.web.dependencies import TheBundle, TheSite

router = APIRouter(include_in_schema=False)


@router.get("/movies")
def show_all_movies(request: Request, site: TheSite, bundle: TheBundle, number: GridPageNumber) -> Response:
    """All movies, most popular first, one page at a time; for htmx only the cards. Raises a 404 past the last page."""
    return site.render_page(
        request,
        "catalogue/movies.html",
        bundle=bundle,
        fragment="partials/catalogue.html",
        catalogue=build_catalogue_page(bundle, number),
    )
