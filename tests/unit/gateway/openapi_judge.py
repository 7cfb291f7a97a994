"""The OpenAPI document as a judge: every answer that any test gets is compared with it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

import familiar_gateway

DOCUMENT: dict[str, Any] = json.loads((Path(familiar_gateway.__file__).parent / "static" / "openapi.json").read_text())
PAGES = re.compile(r"/|/docs|/docs/[^/]+")
"""For people, not for programs: the document says nothing of them."""
_URI = "urn:familiar"
_REGISTRY = Registry().with_resource(_URI, Resource(contents=DOCUMENT, specification=DRAFT202012))


class CheckingClient(FlaskClient):
    """A client that accepts no answer which the document does not describe."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        assert isinstance(answer, TestResponse)
        check(answer)
        return answer


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return what the document says of a request, None if it does not know the route or the method."""
    for template, item in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return item.get(method.lower())
    return None


def check(answer: TestResponse) -> None:
    """Check status, headers and body of an answer."""
    method, path = answer.request.method, answer.request.path
    operation = operation_of(method, path)
    if operation is None:
        if answer.status_code >= 400:
            _validator("/components/schemas/Error").validate(answer.json)
        else:
            known = PAGES.fullmatch(path) or method in ("OPTIONS", "HEAD")
            assert known, f"{method} {path} is answered, and openapi.json does not name it"
        return
    if answer.status_code < 400:
        asked, named = set(answer.request.args), _queries_of(_template(path), operation)
        assert asked <= named, f"{method} {path} took {sorted(asked - named)}, which openapi.json does not name"
    said = operation["responses"].get(str(answer.status_code))
    assert said is not None, f"{method} {path} answered {answer.status_code}, which openapi.json does not name"
    pointer = f"/paths/{_escape(_template(path))}/{method.lower()}/responses/{answer.status_code}"
    if "$ref" in said:
        pointer = said["$ref"].removeprefix("#")
        said = DOCUMENT["components"]["responses"][pointer.rsplit("/", 1)[1]]
    for header in said.get("headers", {}):
        assert header in answer.headers, f"{method} {path}: no {header}"
    if "content" not in said:
        assert not answer.data
        return
    assert answer.mimetype in said["content"], f"{method} {path}: {answer.mimetype}"
    if answer.mimetype == "application/json":
        _validator(f"{pointer}/content/{_escape('application/json')}/schema").validate(answer.json)


def _queries_of(template: str, operation: dict[str, Any]) -> set[str]:
    """Return the query parameters that an operation has by the document."""
    given = [*DOCUMENT["paths"][template].get("parameters", []), *operation.get("parameters", [])]
    resolved = [DOCUMENT["components"]["parameters"][each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each
                for each in given]  # fmt: skip
    return {each["name"] for each in resolved if each["in"] == "query"}


def _template(path: str) -> str:
    return next(each for each in DOCUMENT["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path))


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


@cache
def _validator(pointer: str) -> Draft202012Validator:
    schema = {"$ref": f"{_URI}#{pointer}"}
    return Draft202012Validator(schema, registry=_REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)
