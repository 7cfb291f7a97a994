"""Web: reading what a request says and brings, and saying what went wrong; it knows HTTP and none of our nouns."""

from familiar_gateway.web import docs, errors, payload, pictures
from familiar_gateway.web.collaborators import KEY, services
from familiar_gateway.web.errors import RETRY_AFTER_S, Forbidden, UnsupportedMediaType
from familiar_gateway.web.origins import Hosts
from familiar_gateway.web.representations import Json, error, page, reference, time

__all__ = [
    "KEY",
    "RETRY_AFTER_S",
    "Forbidden",
    "Hosts",
    "Json",
    "UnsupportedMediaType",
    "docs",
    "error",
    "errors",
    "page",
    "payload",
    "pictures",
    "reference",
    "services",
    "time",
]
