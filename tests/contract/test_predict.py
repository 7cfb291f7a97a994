"""Predict answers right, says which version answered, and refuses what it cannot answer (section 5's table)."""

import grpc
import numpy as np
import pytest

from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode, encode
from target import PREDICTION, X, request, spec

_INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_answer_names_model_version_and_signature(target, model):
    response = target.predict(request(model.name, {"x": X}))
    assert response.model_spec.name == model.name
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "serving_default"


def test_answer_has_every_output_of_the_signature(target, model):
    response = target.predict(request(model.name, {"x": X}))
    assert set(response.outputs) == {"y", "factor"}
    np.testing.assert_array_equal(decode(response.outputs["y"]), X * 2)


@pytest.mark.parametrize("version", [1, 2])
def test_named_version_answers(model, version):
    assert model.scale(version) == (version, version)


def test_answers_are_in_typed_fields(target, model):
    tensor = target.predict(request(model.name, {"x": X})).outputs["y"]
    assert tensor.tensor_content == b""
    assert list(tensor.float_val) == [2.0] * 6


def test_inputs_in_typed_fields_are_read(target, model):
    message = request(model.name, {})
    message.inputs["x"].CopyFrom(encode(X, typed=True))
    np.testing.assert_array_equal(decode(target.predict(message).outputs["y"]), X * 2)


def test_short_typed_field_repeats_its_last_value(target, model):
    message = request(model.name, {"x": X})
    message.inputs["x"].ClearField("tensor_content")
    message.inputs["x"].float_val.append(5.0)
    np.testing.assert_array_equal(decode(target.predict(message).outputs["y"]), np.full((2, 3), 10.0))


def test_output_filter_limits_the_answer(target, model):
    response = target.predict(request(model.name, {"x": X}, outputs=["factor"]))
    assert set(response.outputs) == {"factor"}


def test_other_signatures_answer(target, model):
    query = np.array([b"", b""], object)
    response = target.predict(request(model.name, {"query": query}, signature="describe"))
    assert decode(response.outputs["labels"]).tolist() == [["zoë".encode(), b"factor 2"]] * 2
    assert response.model_spec.signature_name == "describe"


def test_every_dtype_passes_both_ways(target, model):
    values = {
        "double": np.array([0.1, -np.inf]),
        "int32": np.array([-(2**31), 2**31 - 1], np.int32),
        "int64": np.array([-(2**63), 2**63 - 1], np.int64),
        "uint8": np.array([0, 255], np.uint8),
        "bool": np.array([True, False]),
        "string": np.array([b"", b"\xff\x00"], object),
        "half": np.array([0.5, -2], np.float16),
    }
    response = target.predict(request(model.name, values, signature="types"))
    for name, array in values.items():
        back = decode(response.outputs[f"{name}_out"])
        assert back.dtype == array.dtype, name
        np.testing.assert_array_equal(back, array)


def test_messages_of_several_megabytes_pass(target, model):
    x = np.ones((700_000, 3), np.float32)
    assert decode(target.predict(request(model.name, {"x": x})).outputs["y"]).shape == x.shape


def test_row_1_no_model_spec(target, fails):
    assert fails(_INVALID, lambda: target.predict(pb.PredictRequest())) == "Missing ModelSpec"


def test_row_2_empty_name(target, fails):
    message = pb.PredictRequest(model_spec=spec(""))
    assert fails(_INVALID, lambda: target.predict(message)) == "ModelSpec has no name specified."


def test_row_3_unknown_label(target, model, fails):
    message = request(model.name, {"x": X}, label="nope")
    assert fails(_INVALID, lambda: target.predict(message)) == "Unrecognized servable version label: nope"


def test_row_4_unknown_model(target, fails):
    text = fails(grpc.StatusCode.NOT_FOUND, lambda: target.predict(request("nobody", {"x": X})))
    assert text == "Servable not found for request: Latest(nobody)"


def test_row_5_unknown_version(target, model, fails):
    message = request(model.name, {"x": X}, version=77)
    text = fails(grpc.StatusCode.NOT_FOUND, lambda: target.predict(message))
    assert text == f"Servable not found for request: Specific({model.name}, 77)"


def test_row_6_unknown_signature(target, model, fails):
    message = request(model.name, {"x": X}, signature="S")
    text = fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: target.predict(message))
    assert text == 'Serving signature key "S" not found.'


def test_row_7_missing_input(target, model, fails):
    message = request(model.name, {"a": np.ones(1, np.float32)}, signature="add")
    assert fails(_INVALID, lambda: target.predict(message)) == (
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}."
    )


def test_row_7_extra_input(target, model, fails):
    message = request(model.name, {"x": X, "z": X})
    assert fails(_INVALID, lambda: target.predict(message)) == (
        "input size does not match signature: 2!=1 len({x,z}) != len({x}). Sent extra: {z}. Missing but required: {}."
    )


def test_row_8_wrong_input_name(target, model, fails):
    text = fails(_INVALID, lambda: target.predict(request(model.name, {"img": X})))
    assert text.startswith(
        "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value"
        " provided. Inputs expected to be in the request {img}, or default input alias set:"
    )


@pytest.mark.parametrize(
    "tensor",
    [
        pb.Tensor(),
        pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=encode(X).tensor_shape, tensor_content=b"\0" * 5),
    ],
    ids=["no dtype", "cut off content"],
)
def test_row_9_malformed_tensor(target, model, fails, tensor):
    message = pb.PredictRequest(model_spec=spec(model.name), inputs={"x": tensor})
    assert fails(_INVALID, lambda: target.predict(message)) == "tensor parsing error: x"


def test_a_tensor_that_leaves_its_rank_open_is_a_scalar(target, model, fails):
    open_rank = pb.Tensor(dtype=pb.DT_FLOAT, tensor_shape=pb.TensorShape(unknown_rank=True), float_val=[1.0])
    message = pb.PredictRequest(model_spec=spec(model.name), inputs={"x": open_rank})
    assert "tensor parsing error" not in fails(_INVALID, lambda: target.predict(message))


def test_row_10_unknown_output(target, model, fails):
    message = request(model.name, {"x": X}, outputs=["z"])
    assert fails(_INVALID, lambda: target.predict(message)) == (
        "output tensor alias not found in signature: z Outputs expected to be in the set {factor,y}."
    )


def test_row_11_duplicate_output(target, model, fails):
    message = request(model.name, {"x": X}, outputs=["y", "y"])
    assert fails(_INVALID, lambda: target.predict(message)) == "duplicate output tensor alias: y"


@pytest.mark.parametrize(("dtype", "name"), [(np.float64, "double"), (np.uint8, "uint8"), (object, "string")])
def test_row_12_wrong_dtype(target, model, fails, dtype, name):
    x = np.array([[b"a"] * 3], object) if dtype is object else X.astype(dtype)
    text = fails(_INVALID, lambda: target.predict(request(model.name, {"x": x})))
    assert text == f"Expects arg[0] to be float but {name} is provided"


@pytest.mark.parametrize(
    "shape", [(8, 8, 3), (), (1, 9, 8, 3), (1, 8, 8, 4), (1, 1, 8, 8, 3)], ids=lambda shape: "x".join(map(str, shape))
)
def test_row_13_wrong_shape_is_refused_and_the_server_lives(target, model, fails, shape):
    message = request(model.name, {"image": np.zeros(shape, np.uint8)}, signature="convolve")
    text = fails(_INVALID, lambda: target.predict(message))
    assert "is not compatible with expected shape [?,8,8,3]" in text
    assert model.scale() == (2, 2)


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3)], ids=lambda shape: "x".join(map(str, shape)))
def test_shape_against_the_signature_is_refused_before_the_graph_runs(target, model, fails, shape):
    """Intended difference: the real server leaves this to the graph, which may accept it or abort."""
    message = request(model.name, {"x": np.zeros(shape, np.float32)}, signature="total")
    text = fails(_INVALID, lambda: target.predict(message))
    sent = ",".join(map(str, shape))
    assert text == f"Shape of tensor x [{sent}] is not compatible with expected shape [?,3]."


def test_row_14_deadline(target, model, fails, steps_per_second):
    message = model.slow_request(60 * steps_per_second)
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: target.predict(message, timeout_s=0.5))
    assert model.scale(timeout_s=10) == (2, 2)


def test_long_texts_are_cut(target, model, fails):
    message = request(model.name, {"x": X}, signature="S" * 2000)
    text = fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: target.predict(message))
    assert text.endswith("S...TRUNCATED")
    assert len(text) == 1024 + len("...TRUNCATED")


def test_bytes_that_are_no_request_are_refused(target):
    method = target.channel.unary_unary(PREDICTION + "Predict")
    with pytest.raises(grpc.RpcError) as caught:
        method(b"\xff\xff\xff", timeout=10)
    assert caught.value.code() is not grpc.StatusCode.OK


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize("name", ["Classify", "Regress", "MultiInference"])
def test_other_methods_are_unimplemented(target, fails, name):
    method = target.channel.unary_unary(PREDICTION + name)
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: method(b"", timeout=10))
