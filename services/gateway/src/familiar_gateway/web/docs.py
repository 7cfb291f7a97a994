"""The page to try the API, and the OpenAPI document; all of it is in the package, nothing is fetched."""

from pathlib import Path

from flask import Blueprint, Response, redirect, send_from_directory, url_for
from werkzeug.wrappers import Response as BaseResponse

blueprint = Blueprint("docs", __name__)

_STATIC = Path(__file__).parent.parent / "static"
_ASSETS = ", ".join(sorted(repr(path.name) for path in _STATIC.iterdir() if path.suffix in (".js", ".css")))
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " \
    "media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # fmt: skip


@blueprint.get("/")
def home() -> BaseResponse:
    """Lead to the page."""
    return redirect(url_for("docs.page"))


@blueprint.get("/docs")
def page() -> Response:
    """Show the page."""
    response = send_from_directory(_STATIC, "docs.html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get(f"/docs/<any({_ASSETS}):name>")
def asset(name: str) -> Response:
    """Give a part of the page."""
    return send_from_directory(_STATIC, name)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Give the OpenAPI document."""
    return send_from_directory(_STATIC, "openapi.json")
