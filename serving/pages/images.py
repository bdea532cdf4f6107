"""The addresses of posters and backdrops: an answer comes at once, fetched or drawn."""

import hashlib

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from movierec.tmdb import images
from serving.i18n.languages import N_
from serving.pages.movie import known_movie
from serving.posters import poster as drawing
from serving.web.dependencies import TheBundle, TheSite
from serving.web.static_files import STATIC

router = APIRouter(include_in_schema=False)

A_WEEK = "public, max-age=604800"  # a newer image has the same address here
A_DAY = "public, max-age=86400"  # a drawn one gives way once TMDB has one
NOT_KEPT = "no-cache"  # the next request may get the image that is being fetched
SVG = "image/svg+xml"
BACKDROP = (STATIC / "backdrop.svg").read_bytes()


@router.get("/posters/{movie_id}")
def poster(
    request: Request,
    site: TheSite,
    bundle: TheBundle,
    movie_id: str,
    *,
    v: str = "",
    size: str = "",
    drawn: str = "",
) -> Response:
    """The poster of a movie. `v` is the version of the drawn one: only with the right one is it kept for a day.
    With the `size` "card" TMDB's is as small as a card, once that is made. With `drawn` it is the drawn one whatever
    there is, for browsers that could not show the other."""
    movie = known_movie(bundle, movie_id)
    version = drawing.version(movie)
    if drawn:
        return picture(request, drawing.poster(movie).encode(), version, A_DAY)
    found = site.pictures.find("poster", movie.movie_id, small=size == "card")
    if found.content:
        return picture(request, found.content, found.name, NOT_KEPT if found.may_come else A_WEEK)
    kept = A_DAY if v == version and not found.may_come else NOT_KEPT
    return picture(request, drawing.poster(movie).encode(), version, kept)


@router.get("/backdrops/{movie_id}")
def backdrop(request: Request, site: TheSite, bundle: TheBundle, movie_id: str) -> Response:
    """A wide picture out of the movie, the site's own where there is none."""
    found = site.pictures.find("backdrop", known_movie(bundle, movie_id).movie_id)
    if found.content:
        return picture(request, found.content, found.name, A_WEEK)
    return picture(request, BACKDROP, site.statics.versions["backdrop.svg"], NOT_KEPT if found.may_come else A_DAY)


@router.get("/tmdb-logo.svg")
def tmdb_logo(request: Request, site: TheSite) -> Response:
    """TMDB's logo as the operator has put it beside the site's database."""
    try:
        content = site.pictures.logo.read_bytes()
    except OSError:
        raise HTTPException(404, N_("This picture does not exist.")) from None
    return picture(request, content, hashlib.blake2b(content, digest_size=12).hexdigest(), A_DAY)


def picture(request: Request, content: bytes, name: str, kept: str) -> Response:
    """304 where the browser has this very picture."""
    headers = {"Cache-Control": kept, "ETag": f'"{name}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=images.media_type(content) or SVG)
