"""The client keeps its deadline, tries once more, and speaks only in domain errors."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from familiar.errors import (
    FamiliarError,
    ModelNotFound,
    ServingRejected,
    ServingTimeout,
    ServingUnavailable,
)
from familiar.serving import VersionState
from familiar.serving.client import ERROR_OF, ServingClient
from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode, encode

_FAILURES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
_X = {"x": np.ones((1, 2), np.float32)}


class FakeServing:
    """A server whose answers a test scripts: functions of (request, context), the last one repeats."""

    def __init__(self):
        self.script = []
        self.requests = []
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", -1)])
        handlers = {
            "tensorflow.serving.PredictionService": ("Predict", pb.PredictRequest),
            "tensorflow.serving.ModelService": ("GetModelStatus", pb.GetModelStatusRequest),
        }
        for service, (method, request) in handlers.items():
            handler = grpc.unary_unary_rpc_method_handler(
                self._answer,
                request_deserializer=request.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _answer(self, request, context):
        self.requests.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step(request, context)

    def stop(self):
        self._server.stop(None).wait(5)


@pytest.fixture
def serving():
    server = FakeServing()
    yield server
    server.stop()


@pytest.fixture
def client(serving):
    with ServingClient(serving.address, timeout_s=5.0) as client:
        yield client


def fail(code):
    return lambda _, context: context.abort(code, "as scripted")


def double(request, _):
    response = pb.PredictResponse()
    response.model_spec.version.value = 7
    response.outputs["y"].CopyFrom(encode(decode(request.inputs["x"]) * 2, typed=True))
    return response


def statuses(*states):
    def answer(_, __):
        response = pb.GetModelStatusResponse()
        for version, state in states:
            response.model_version_status.add(version=version, state=state)
        return response

    return answer


def test_prediction_carries_arrays_and_the_version_that_answered(serving, client):
    serving.script = [double]
    prediction = client.predict("head", _X)
    assert prediction.version == 7
    assert prediction.outputs["y"].tolist() == [[2.0, 2.0]]


def test_request_names_model_version_signature_and_outputs(serving, client):
    serving.script = [double]
    client.predict("head", _X, version=3, signature="describe", outputs=["y"])
    (request,) = serving.requests
    assert request.model_spec.name == "head"
    assert request.model_spec.version.value == 3
    assert request.model_spec.signature_name == "describe"
    assert list(request.output_filter) == ["y"]


def test_without_a_version_the_server_chooses(serving, client):
    serving.script = [double]
    client.predict("head", _X)
    assert serving.requests[0].model_spec.WhichOneof("version_choice") is None


def test_every_grpc_status_means_a_domain_error():
    assert set(ERROR_OF) == set(_FAILURES)
    assert all(issubclass(kind, FamiliarError) for kind in ERROR_OF.values())


@pytest.mark.parametrize("code", _FAILURES, ids=lambda code: code.name)
def test_a_failure_is_raised_as_its_domain_error(serving, client, code):
    serving.script = [fail(code)]
    with pytest.raises(FamiliarError, match="as scripted") as caught:
        client.predict("head", _X)
    assert type(caught.value) is ERROR_OF[code]
    assert caught.value.details == {"model": "head", "status": code.name}


def test_only_what_may_succeed_later_is_retryable():
    assert all(kind.retryable for kind in (ServingUnavailable, ServingTimeout, ModelNotFound))
    assert not ServingRejected.retryable


def test_unavailable_is_tried_once_more(serving, client):
    serving.script = [fail(grpc.StatusCode.UNAVAILABLE), double]
    assert client.predict("head", _X).version == 7
    assert len(serving.requests) == 2


def test_unavailable_is_not_tried_a_third_time(serving, client):
    serving.script = [fail(grpc.StatusCode.UNAVAILABLE)]
    with pytest.raises(ServingUnavailable):
        client.predict("head", _X)
    assert len(serving.requests) == 2


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL])
def test_other_failures_are_not_tried_again(serving, client, code):
    serving.script = [fail(code)]
    with pytest.raises(FamiliarError):
        client.predict("head", _X)
    assert len(serving.requests) == 1


def test_server_that_does_not_answer_ends_in_a_timeout(serving, client):
    release = threading.Event()
    serving.script = [lambda request, context: release.wait(10) and double(request, context)]
    try:
        with pytest.raises(ServingTimeout):
            client.predict("head", _X, timeout_s=0.2)
    finally:
        release.set()


def test_server_that_is_away_is_unavailable():
    with ServingClient("127.0.0.1:1", timeout_s=2.0) as client, pytest.raises(ServingUnavailable):
        client.predict("head", _X)


def test_closed_client_is_unavailable(serving):
    client = ServingClient(serving.address, timeout_s=1.0)
    client.close()
    with pytest.raises(ServingUnavailable, match="closed"):
        client.predict("head", _X)


def test_messages_larger_than_grpc_allows_by_default_pass(serving, client):
    serving.script = [double]
    large = np.zeros((1, 2_000_000), np.float32)
    assert client.predict("head", {"x": large}).outputs["y"].shape == large.shape


def test_array_that_cannot_be_sent_is_rejected_without_a_call(serving, client):
    with pytest.raises(ServingRejected, match="complex"):
        client.predict("head", {"x": np.zeros(1, np.complex64)})
    assert serving.requests == []


@pytest.mark.parametrize(
    "response",
    [
        pb.PredictResponse(),
        pb.PredictResponse(model_spec=pb.ModelSpec(version={"value": 1}), outputs={"y": pb.Tensor()}),
    ],
    ids=["no version", "malformed tensor"],
)
def test_unusable_answer_is_unavailable(serving, client, response):
    serving.script = [lambda *_: response]
    with pytest.raises(ServingUnavailable):
        client.predict("head", _X)


def test_versions_are_listed_highest_first(serving, client):
    serving.script = [statuses((1, 30), (3, 50), (2, 20))]
    found = client.versions("head")
    assert [(status.version, status.state) for status in found] == [
        (3, VersionState.END),
        (2, VersionState.LOADING),
        (1, VersionState.AVAILABLE),
    ]


def test_what_a_server_is_made_of_stands_beside_its_answer(serving, client):
    def answer(_, context):
        context.send_initial_metadata((("software", "familiar 1.2.3"), ("software", "tensorflow 2.20.0"), ("a", "b")))
        return statuses((1, 30))(_, context)

    serving.script = [answer]
    assert client.software() == {"familiar": "1.2.3", "tensorflow": "2.20.0"}


def test_a_server_that_serves_nothing_yet_says_what_it_is_made_of(serving, client):
    def answer(_, context):
        context.send_initial_metadata((("software", "familiar 1.2.3"),))
        context.abort(grpc.StatusCode.NOT_FOUND, "no version of it")

    serving.script = [answer]
    assert client.software() == {"familiar": "1.2.3"}


def test_a_server_that_does_not_say_what_it_is_made_of_is_tensorflow_serving(serving, client):
    serving.script = [statuses((1, 30))]
    assert client.software() == {}


def test_state_of_a_later_server_is_unknown(serving, client):
    serving.script = [statuses((1, 99))]
    assert client.versions("head")[0].state is VersionState.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (statuses((3, 50), (2, 30), (1, 30)), 2),
        (statuses((3, 50), (2, 20)), None),
        (fail(grpc.StatusCode.NOT_FOUND), None),
    ],
    ids=["highest available", "none available", "model never seen"],
)
def test_available_version_is_found_by_state(serving, client, answer, expected):
    serving.script = [answer]
    assert client.available("head") == expected
