"""Web: reading what a request says and brings, and saying what went wrong; it knows HTTP and none of our nouns."""

from familiar_gateway.web import docs, doors, errors, payload, pictures, proxies
from familiar_gateway.web.collaborators import KEY, services
from familiar_gateway.web.doors import Caller, asks_for, caller, camera, takes_key
from familiar_gateway.web.errors import RETRY_AFTER_S, Forbidden, RateLimited, Unauthorized, UnsupportedMediaType
from familiar_gateway.web.origins import Hosts, read_origins
from familiar_gateway.web.representations import Json, error, page, reference, time
from familiar_gateway.web.streams import Streams, Told
from familiar_gateway.web.tables import harmless, wants_csv

__all__ = [
    "KEY",
    "RETRY_AFTER_S",
    "Caller",
    "Forbidden",
    "Hosts",
    "Json",
    "RateLimited",
    "Streams",
    "Told",
    "Unauthorized",
    "UnsupportedMediaType",
    "asks_for",
    "caller",
    "camera",
    "docs",
    "doors",
    "error",
    "errors",
    "harmless",
    "page",
    "payload",
    "pictures",
    "proxies",
    "read_origins",
    "reference",
    "services",
    "takes_key",
    "time",
    "wants_csv",
]
