"""Other people's clients and ours are answered alike."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from familiar.errors import ModelNotFound, ServingRejected
from familiar.serving.client import ServingClient
from target import X

_OFFICIAL = """
import sys, grpc, numpy as np, tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc, get_model_metadata_pb2
address, name = sys.argv[1:]
stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(address))
request = predict_pb2.PredictRequest()
request.model_spec.name = name
request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones((2, 3), np.float32)))
response = stub.Predict(request, timeout=30)
assert response.model_spec.version.value == 2, response
assert tf.make_ndarray(response.outputs["y"]).tolist() == [[2.0] * 3] * 2, response
request.inputs["x"].CopyFrom(tf.make_tensor_proto(1.0, shape=(1, 3)))
assert tf.make_ndarray(stub.Predict(request, timeout=30).outputs["y"]).tolist() == [[2.0] * 3]
metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
metadata.model_spec.name = name
answer = stub.GetModelMetadata(metadata, timeout=30)
signatures = get_model_metadata_pb2.SignatureDefMap()
assert answer.metadata["signature_def"].Unpack(signatures)
assert signatures.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum
print("agreed")
"""


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_serving") is None, reason="tensorflow-serving-api is not installed"
)
def test_official_stubs_are_understood(target, model):
    done = subprocess.run(
        [sys.executable, "-c", _OFFICIAL, target.address, model.name],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.strip().endswith("agreed"), done.stderr


@pytest.fixture
def client(target):
    with ServingClient(target.address, timeout_s=10) as client:
        yield client


def test_our_client_predicts(client, model):
    prediction = client.predict(model.name, {"x": X})
    assert prediction.version == 2
    np.testing.assert_array_equal(prediction.outputs["y"], X * 2)


def test_our_client_reads_the_state_of_versions(client, model):
    assert client.available(model.name) == 2
    assert [status.version for status in client.versions(model.name)] == [2, 1]
    assert client.available("nobody") is None


def test_our_client_tells_apart_what_may_be_tried_again(client, model):
    with pytest.raises(ModelNotFound):
        client.predict(model.name, {"x": X}, version=77)
    with pytest.raises(ServingRejected):
        client.predict(model.name, {"x": X}, signature="nope")
