"""The page that shows the JSON API with Swagger UI. Its files come from the package `fastapi_offline`."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from serving.web.dependencies import TheSite
from serving.web.middleware import SECURITY_HEADERS

router = APIRouter(include_in_schema=False)

SWAGGER_FOLDER = Path(str(files("fastapi_offline"))) / "static"
SWAGGER_CACHE = {"Cache-Control": "public, max-age=86400"}
# Swagger UI's style sheet holds its icons itself, as data.
DOCS_POLICY = SECURITY_HEADERS["Content-Security-Policy"] + "; img-src 'self' data:"


@router.get("/docs")
async def show_docs(request: Request, site: TheSite) -> Response:
    """The page of Swagger UI."""
    response = site.render_page(request, "docs/docs.html", bundle=None)
    response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


@router.get("/docs/swagger-ui-bundle.js")
async def show_swagger_script() -> Response:
    """The script of Swagger UI."""
    return FileResponse(SWAGGER_FOLDER / "swagger-ui-bundle.js", headers=SWAGGER_CACHE)


@router.get("/docs/swagger-ui.css")
async def show_swagger_style() -> Response:
    """The style sheet of Swagger UI."""
    return FileResponse(SWAGGER_FOLDER / "swagger-ui.css", headers=SWAGGER_CACHE)
