"""Posters and backdrops: answers at once with the fetched image or a drawn one."""

import hashlib

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from movierec.tmdb import images
from serving.i18n.languages import ENGLISH, N_
from serving.posters import poster as drawing
from serving.web.dependencies import TheMovie, TheSite
from serving.web.static_files import STATIC_FOLDER

router = APIRouter(include_in_schema=False)

CACHE_A_WEEK = "public, max-age=604800"  # a newer image has the same address here
CACHE_A_DAY = "public, max-age=86400"  # a drawn one gives way once TMDB has one
NO_CACHE = "no-cache"  # the next request may get the image that is being fetched
SVG_MEDIA_TYPE = "image/svg+xml"
DEFAULT_BACKDROP = (STATIC_FOLDER / "backdrop.svg").read_bytes()


@router.get("/posters/{movie_id}")
def show_poster(
    request: Request,
    site: TheSite,
    movie: TheMovie,
    *,
    v: str = "",
    size: str = "",
    drawn: str = "",
    lang: str = "",
) -> Response:
    """The poster of a movie: TMDB's if it is on disk, else a drawn one.

    `v` is the version of the drawn poster; only with the current version may browsers cache it for a day. `size` "card"
    asks for a thumbnail. `drawn` always gives the drawn poster, for browsers that could not load the other. `lang` is
    the language of its genres. It stands in the address, not in a header, because caches keep one picture an address.
    """
    name_genre = site.languages.get(lang, site.languages[ENGLISH]).genre
    etag = drawing.compute_version(movie, name_genre)
    if drawn:
        return build_image_response(request, drawing.draw_poster(movie, name_genre).encode(), etag, CACHE_A_DAY)
    found = site.image_store.find_image("poster", movie.movie_id, as_thumbnail=size == "card")
    if found.content:
        return build_image_response(request, found.content, found.name, NO_CACHE if found.is_expected else CACHE_A_WEEK)
    kept = CACHE_A_DAY if v == drawing.compute_version(movie) and not found.is_expected else NO_CACHE
    return build_image_response(request, drawing.draw_poster(movie, name_genre).encode(), etag, kept)


@router.get("/backdrops/{movie_id}")
def show_backdrop(request: Request, site: TheSite, movie: TheMovie) -> Response:
    """A wide picture from the movie, or the site's own if there is none."""
    found = site.image_store.find_image("backdrop", movie.movie_id)
    if found.content:
        return build_image_response(request, found.content, found.name, CACHE_A_WEEK)
    return build_image_response(
        request,
        DEFAULT_BACKDROP,
        site.static_files.versions["backdrop.svg"],
        NO_CACHE if found.is_expected else CACHE_A_DAY,
    )


@router.get("/tmdb-logo.svg")
def show_tmdb_logo(request: Request, site: TheSite) -> Response:
    """TMDB's logo, if the operator has placed the file. Raises a 404 if not."""
    try:
        content = site.image_store.logo.read_bytes()
    except OSError:
        raise HTTPException(404, N_("This picture does not exist.")) from None
    return build_image_response(request, content, hashlib.blake2b(content, digest_size=12).hexdigest(), CACHE_A_DAY)


def build_image_response(request: Request, content: bytes, version: str, cache_control: str) -> Response:
    """The image with its cache headers; 304 if the browser has this version already."""
    headers = {"Cache-Control": cache_control, "ETag": f'"{version}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=images.detect_media_type(content) or SVG_MEDIA_TYPE)
