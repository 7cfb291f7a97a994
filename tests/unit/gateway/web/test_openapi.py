"""The OpenAPI document, the routes and the answers say the same."""

import re

import pytest
from openapi_judge import DOCUMENT, PAGES, operation_of
from openapi_spec_validator import validate

from bad_input.cases import all_cases
from familiar.direction import Direction
from familiar.knowing.decision import Status
from familiar.reason import Reason
from familiar.records.enrollment import EnrollmentStatus, IfKnown
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import HeadStatus
from familiar.serving.client import VersionState
from familiar_gateway.enrolling.coaching import Advice

_SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_document_is_valid_openapi():
    validate(DOCUMENT)


def test_the_document_is_served_as_it_is(world):
    assert world.client.get("/openapi.json").json == DOCUMENT


def test_every_route_is_documented_with_its_methods_and_no_other(world):
    routes: dict[str, set[str]] = {}
    for rule in world.client.application.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)
        routes.setdefault(path, set()).update(rule.methods - {"HEAD", "OPTIONS"})
    documented = {
        path: {method.upper() for method in item if method != "parameters"} for path, item in DOCUMENT["paths"].items()
    }
    routed = {path: methods for path, methods in routes.items() if not PAGES.fullmatch(path)}
    assert routed == documented, "openapi.json and the routes differ: describe the new ones in static/openapi.json"


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own():
    operations = [each for item in DOCUMENT["paths"].values() for name, each in item.items() if name != "parameters"]
    assert all(each["summary"] and each["tags"] for each in operations)
    assert len({each["operationId"] for each in operations}) == len(operations)


def test_the_words_of_the_document_are_those_of_the_code():
    gateway_reasons = {"invalid_image", "too_large"}
    assert set(_SCHEMAS["Reason"]["enum"]) == {each.value for each in Reason} | gateway_reasons
    assert set(_SCHEMAS["Face"]["properties"]["status"]["enum"]) == {each.value for each in Status}
    enrollment = _SCHEMAS["Enrollment"]["properties"]
    assert set(enrollment["status"]["enum"]) == {each.value for each in EnrollmentStatus}
    assert set(enrollment["advice"]["enum"]) == {each.value for each in Advice} | {None}
    assert set(enrollment["poses"]["required"]) == {each.value for each in Direction}
    assert set(_SCHEMAS["Direction"]["enum"]) == {each.value for each in Direction}
    assert set(_SCHEMAS["IfKnown"]["enum"]) == {each.value for each in IfKnown}
    assert set(_SCHEMAS["HeadFacts"]["properties"]["status"]["enum"]) == {each.value for each in HeadStatus}
    assert set(_SCHEMAS["Job"]["properties"]["status"]["enum"]) == {each.value for each in Stage}
    assert set(_SCHEMAS["Job"]["properties"]["kind"]["enum"]) == {each.value for each in TrainingKind}
    assert set(_SCHEMAS["Serving"]["enum"]) == {each.value for each in VersionState} | {None}


@pytest.mark.parametrize("path", ["/v1/recognize/", "/v1/nothing"])
def test_the_judge_of_answers_knows_what_is_not_documented(path):
    assert operation_of("GET", path) is None


def test_every_object_is_closed_so_that_a_field_forgotten_in_the_document_is_found():
    closed = ("additionalProperties", "unevaluatedProperties")
    extended = str([schema["allOf"] for schema in _SCHEMAS.values() if "allOf" in schema])
    for name, schema in _SCHEMAS.items():
        if "properties" in schema and f"schemas/{name}'" not in extended:
            assert any(schema.get(word) is False for word in closed), f"{name}: say additionalProperties: false"


def test_every_route_with_an_id_or_a_query_has_bad_requests_in_the_list():
    cases = [(case.method, case.path.partition("?")) for case in all_cases()]
    for template, item in DOCUMENT["paths"].items():
        shape = re.compile(re.sub(r"\{\w+\}", "[^/]+", template))
        for method in set(item) - {"parameters"}:
            operation = item[method]
            fired = [query for verb, (path, _, query) in cases if verb == method.upper() and shape.fullmatch(path)]
            assert fired or "{" not in template, f"add {method.upper()} {template} to tests/bad_input/addresses.py"
            parameters = str([item.get("parameters"), operation.get("parameters")])
            limited = re.search(r"\blimit\b", parameters, re.IGNORECASE)
            assert any(fired) or not limited, f"add bad queries of {template} to tests/bad_input/addresses.py"
