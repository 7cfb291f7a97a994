"""REST: the grammar of URLs, both forms of predict, codes and bodies (section 6)."""

import base64
import gzip
import json

import pytest

_ROWS = [[1.0, 2.0, 3.5], [0.1, 0.0, -1.0]]


@pytest.fixture
def url(model):
    return f"/v1/models/{model.name}"


def _error(reply, status):
    assert reply.status == status, reply.body
    assert "application/json" in reply.content_type
    document = reply.json
    assert list(document) == ["error"]
    return document["error"]


def test_status_shows_int64_as_text_and_names_of_states(target, url):
    reply = target.http("GET", url)
    assert reply.status == 200
    assert reply.json == {
        "model_version_status": [
            {"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            for version in ("2", "1")
        ]
    }


def test_status_of_one_version(target, url):
    (status,) = target.http("GET", f"{url}/versions/1").json["model_version_status"]
    assert status["version"] == "1"


def test_status_with_a_label_lists_all_versions(target, url):
    assert len(target.http("GET", f"{url}/labels/any").json["model_version_status"]) == 2


def test_status_of_an_unknown_model(target):
    text = _error(target.http("GET", "/v1/models/nobody"), 404)
    assert text == "Could not find any versions of model nobody"


def test_status_of_an_unknown_version(target, url):
    assert "Could not find version 77" in _error(target.http("GET", f"{url}/versions/77"), 404)


def test_metadata_is_nested_twice(target, model, url):
    document = target.http("GET", f"{url}/metadata").json
    assert document["model_spec"] == {"name": model.name, "signature_name": "", "version": "2"}
    signatures = document["metadata"]["signature_def"]["signature_def"]
    x = signatures["serving_default"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in x["tensor_shape"]["dim"]] == ["-1", "3"]
    assert "__saved_model_init_op" in signatures


def test_metadata_of_one_version(target, url):
    assert target.http("GET", f"{url}/versions/1/metadata").json["model_spec"]["version"] == "1"


def test_rows_are_answered_with_one_object_each(target, url):
    reply = target.post(f"{url}:predict", {"instances": _ROWS})
    assert reply.status == 200, reply.body
    assert reply.json == {"predictions": [{"y": [2.0, 4.0, 7.0], "factor": 2}, {"y": [0.2, 0.0, -2.0], "factor": 2}]}


def test_rows_may_be_objects(target, url):
    reply = target.post(f"{url}:predict", {"instances": [{"x": row} for row in _ROWS]})
    assert reply.json["predictions"][0]["y"] == [2.0, 4.0, 7.0]


def test_columns_are_answered_with_columns(target, url):
    reply = target.post(f"{url}:predict", {"inputs": {"x": _ROWS}})
    assert reply.json == {"outputs": {"y": [[2.0, 4.0, 7.0], [0.2, 0.0, -2.0]], "factor": [2, 2]}}


def test_only_input_may_go_without_its_name(target, url):
    assert target.post(f"{url}:predict", {"inputs": _ROWS}).json["outputs"]["factor"] == [2, 2]


def test_only_output_comes_without_its_name(target, url):
    body = {"signature_name": "add", "inputs": {"a": [1.0, 2.0], "b": [10.0, 20.0]}}
    assert target.post(f"{url}:predict", body).json == {"outputs": [11.0, 22.0]}
    rows = {"signature_name": "add", "instances": [{"a": 1.0, "b": 10.0}, {"a": 2.0, "b": 20.0}]}
    assert target.post(f"{url}:predict", rows).json == {"predictions": [11.0, 22.0]}


def test_whole_floats_keep_their_point(target, url):
    body = {"signature_name": "add", "inputs": {"a": [1], "b": [1]}}
    assert b"2.0" in target.post(f"{url}:predict", body).body


def test_version_in_the_url_answers(target, url):
    reply = target.post(f"{url}/versions/1:predict", {"instances": _ROWS})
    assert [row["factor"] for row in reply.json["predictions"]] == [1, 1]


def test_method_is_known_in_small_letters_only(target, url):
    for method in ("PREDICT", "Predict", "Classify"):
        text = _error(target.post(f"{url}:{method}", {"instances": _ROWS}), 400)
        assert text.startswith("Malformed request: POST /v1"), method


def test_name_in_the_url_is_unquoted(target, model):
    quoted = "/v1/models/" + model.name.replace("-", "%2D")
    assert target.http("GET", quoted).status == 200


def test_bytes_come_as_base64_for_outputs_named_so(target, url):
    sent = base64.b64encode(b"\x00\xffdata").decode()
    body = {"signature_name": "echo", "instances": [{"b64": sent}]}
    assert target.post(f"{url}:predict", body).json == {"predictions": [{"b64": sent}]}


def test_strings_come_as_text_for_other_outputs(target, url):
    body = {"signature_name": "describe", "instances": [""]}
    assert target.post(f"{url}:predict", body).json == {"predictions": [["zoë", "factor 2"]]}


def test_gzip_bodies_are_inflated(target, url):
    body = gzip.compress(json.dumps({"instances": _ROWS}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert target.http("POST", f"{url}:predict", body, headers).status == 200


def test_rows_need_one_batch_size_in_every_output(target, url):
    body = {"signature_name": "total", "instances": _ROWS}
    assert "total" in _error(target.post(f"{url}:predict", body), 400)


def test_columns_may_have_scalar_outputs(target, url):
    body = {"signature_name": "total", "inputs": [[1.0, 2.0, 3.0]]}
    assert target.post(f"{url}:predict", body).json["outputs"]["total"] == 6.0


def test_half_inputs_are_not_implemented(target, url):
    values = {"double": [0.0], "int32": [0], "int64": [0], "uint8": [0], "bool": [True], "string": [""], "half": [0.0]}
    reply = target.post(f"{url}:predict", {"signature_name": "types", "inputs": values})
    assert reply.status == 501, reply.body


def test_unknown_model(target):
    text = _error(target.post("/v1/models/nobody:predict", {"instances": _ROWS}), 404)
    assert text == "Servable not found for request: Latest(nobody)"


def test_unknown_version(target, model, url):
    text = _error(target.post(f"{url}/versions/77:predict", {"instances": _ROWS}), 404)
    assert text == f"Servable not found for request: Specific({model.name}, 77)"


def test_unknown_label(target, url):
    text = _error(target.post(f"{url}/labels/nope:predict", {"instances": _ROWS}), 400)
    assert text == "Unrecognized servable version label: nope"


def test_unknown_signature_is_worded_differently_than_over_grpc(target, url):
    text = _error(target.post(f"{url}:predict", {"signature_name": "S", "instances": _ROWS}), 400)
    assert text == 'Serving signature name: "S" not found in signature def'


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "3",
        "{}",
        '{"instances": []}',
        '{"instances": 3}',
        '{"instances": [[1.0, 2.0, 3.0]], "inputs": [[1.0, 2.0, 3.0]]}',
        '{"instances": [[1.0, 2.0, 3.0], [1.0]]}',
        '{"instances": [["a", "b", "c"]]}',
        '{"instances": [{"z": [1.0, 2.0, 3.0]}]}',
        '{"instances": [[1.0, 2.0, 3.0], {"x": [1.0, 2.0, 3.0]}]}',
        '{"inputs": {"z": [[1.0, 2.0, 3.0]]}}',
        '{"signature_name": 3, "instances": [[1.0, 2.0, 3.0]]}',
        '{"signature_name": "echo", "instances": [{"b64": "!"}]}',
        '{"signature_name": "add", "instances": [1.0]}',
        '{"signature_name": "convolve", "instances": [[[[300]]]]}',
    ],
)
def test_unusable_body_is_refused_with_a_sentence(target, url, body):
    assert len(_error(target.http("POST", f"{url}:predict", body), 400)) > 5


def test_deeply_nested_body_does_not_harm_the_server(target, url):
    body = '{"instances": ' + "[" * 20_000 + "]" * 20_000 + "}"
    assert target.http("POST", f"{url}:predict", body).status in (400, 413)
    assert target.http("GET", url).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/foo"),
        ("GET", "/v1/models/m/versions/x"),
        ("POST", "/v1/models/m:train"),
        ("POST", "/v1/models/m"),
        ("GET", "/v1/models/m:predict"),
    ],
)
def test_other_forms_under_v1_are_malformed(target, method, path):
    text = _error(target.http(method, path, "{}" if method == "POST" else None), 400)
    assert text == f"Malformed request: {method} {path}"


def test_status_needs_a_model_name(target):
    assert _error(target.http("GET", "/v1/models"), 400) == "Missing model name in request."


def test_paths_outside_v1_are_not_found(target):
    assert target.http("GET", "/elsewhere").status == 404


def test_prometheus_page_counts_requests_by_model(target, model, url):
    target.post(f"{url}:predict", {"instances": _ROWS})
    reply = target.http("GET", "/monitoring/prometheus/metrics")
    assert reply.status == 200
    text = reply.body.decode()
    assert f':tensorflow:serving:request_count{{model_name="{model.name}",status="OK"}}' in text
    for name in ("request_latency_bucket", "request_latency_sum", "request_latency_count", "runtime_latency"):
        assert f":tensorflow:serving:{name}" in text
