"""The page to try the API, and the OpenAPI document; all of it is in the package, nothing is fetched."""

from pathlib import Path

from flask import Blueprint, Response, redirect, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from familiar_gateway.web.doors import asks_for

blueprint = Blueprint("docs", __name__)

_STATIC = Path(__file__).parent.parent / "static"
_ASSETS = ", ".join(sorted(repr(path.name) for path in _STATIC.iterdir() if path.suffix in (".js", ".css")))
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " \
    "media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # fmt: skip


@blueprint.get("/")
@asks_for()
def home() -> BaseResponse:
    """Lead to the page."""
    return redirect("docs")  # as seen from here, whatever stands before it


@blueprint.get("/docs")
@asks_for()
def page() -> Response:
    """Show the page."""
    response = send_from_directory(_STATIC, "docs.html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get(f"/docs/<any({_ASSETS}):name>")
@asks_for()
def asset(name: str) -> Response:
    """Give a part of the page."""
    return send_from_directory(_STATIC, name)


@blueprint.get("/openapi.json")
@asks_for()
def openapi() -> Response:
    """Give the OpenAPI document."""
    return send_from_directory(_STATIC, "openapi.json")
