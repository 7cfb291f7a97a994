"""The server under test, seen from outside: raw gRPC messages, raw HTTP, and folders of models."""

import http.client
import json
import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np

from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode, encode
from waiting import wait_for, watch

LOAD_S = 30
CALL_S = 60

PREDICTION = "/tensorflow.serving.PredictionService/"
MODEL = "/tensorflow.serving.ModelService/"

LATEST_1 = pb.ServableVersionPolicy(latest={"num_versions": 1})
LATEST_2 = pb.ServableVersionPolicy(latest={"num_versions": 2})
ALL = pb.ServableVersionPolicy(all={})

X = np.ones((2, 3), np.float32)


@dataclass(frozen=True)
class HttpReply:
    status: int
    body: bytes
    content_type: str

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Target:
    """A running server. `models` is where the suite writes, `mount` where the server sees the same folder."""

    kind: str
    address: str
    rest_address: str
    models: Path
    mount: str
    poll_s: float
    configured: dict = field(default_factory=dict)

    def __post_init__(self):
        self.channel = grpc.insecure_channel(
            self.address, options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )

    # ---- gRPC ------------------------------------------------------------------------------------------

    def call(self, path, request, response, timeout_s=CALL_S):
        method = self.channel.unary_unary(
            path, request_serializer=lambda message: message.SerializeToString(), response_deserializer=response
        )
        return method(request, timeout=timeout_s)

    def predict(self, request, timeout_s=CALL_S):
        return self.call(PREDICTION + "Predict", request, pb.PredictResponse.FromString, timeout_s)

    def status(self, name, version=None):
        request = pb.GetModelStatusRequest(model_spec=spec(name, version))
        return self.call(MODEL + "GetModelStatus", request, pb.GetModelStatusResponse.FromString)

    def metadata(self, name, fields=("signature_def",), version=None):
        request = pb.GetModelMetadataRequest(model_spec=spec(name, version), metadata_field=fields)
        return self.call(PREDICTION + "GetModelMetadata", request, pb.GetModelMetadataResponse.FromString)

    def reload(self, configs):
        request = pb.ReloadConfigRequest()
        request.config.model_config_list.config.extend(configs)
        return self.call(MODEL + "HandleReloadConfigRequest", request, pb.ReloadConfigResponse.FromString)

    # ---- REST ------------------------------------------------------------------------------------------

    def http(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.rest_address, timeout=CALL_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return HttpReply(answer.status, answer.read(), answer.getheader("Content-Type", ""))
        finally:
            connection.close()

    def post(self, path, document):
        return self.http("POST", path, json.dumps(document), {"Content-Type": "application/json"})

    # ---- models ----------------------------------------------------------------------------------------

    def configure(self, model):
        self.configured[model.name] = model.config
        self.reload(self.configured.values())

    def forget(self, model):
        if self.configured.pop(model.name, None):
            self.reload(self.configured.values())

    def discard(self, model):
        """Take a model out of the configuration, then off the disk; the other way round would stop all polling."""
        self.forget(model)
        shutil.rmtree(model.path, ignore_errors=True)


class ModelFolder:
    """One model of the server, its base path, and what the server says of it."""

    def __init__(self, target, exports, policy, name=None):
        self.target = target
        self.exports = exports
        self.name = name or f"contract-{uuid.uuid4().hex[:12]}"
        self.path = target.models / self.name
        self.config = pb.ModelConfig(
            name=self.name,
            base_path=f"{target.mount}/{self.name}",
            model_platform="tensorflow",
            model_version_policy=policy,
        )

    def stage(self, factor, kind="frozen"):
        """Copy an export beside the versions, where the server does not see it."""
        self.path.mkdir(parents=True, exist_ok=True)
        part = self.path / f".tmp-{uuid.uuid4().hex}"
        shutil.copytree(self.exports / kind / str(factor), part)
        return part

    def publish(self, version, factor=None, kind="frozen", spoil=None):
        """Make a version visible in one step; its factor is its number unless said otherwise."""
        part = self.stage(version if factor is None else factor, kind)
        if spoil is not None:
            spoil(part)
        part.rename(self.path / str(version))

    def retire(self, version):
        """Take a version away in one step."""
        trash = self.path / f".trash-{uuid.uuid4().hex}"
        (self.path / str(version)).rename(trash)
        shutil.rmtree(trash)

    def states(self):
        try:
            found = self.target.status(self.name).model_version_status
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.NOT_FOUND, error
            return {}
        return {status.version: pb.ModelVersionStatus.State.Name(status.state) for status in found}

    def available(self):
        return {version for version, state in self.states().items() if state == "AVAILABLE"}

    def wait_until_available(self, *versions):
        """Wait until exactly these versions answer."""
        wait_for(lambda: self.available() == set(versions), LOAD_S, f"{versions} to be served: {self.states()}")

    def wait_until_failed(self, version):
        """Wait until a version has given up with an error, and return that error."""

        def failure():
            for status in self.target.status(self.name).model_version_status:
                ended = status.state == pb.ModelVersionStatus.END and status.status.error_code != pb.OK
                if status.version == version and ended:
                    return status.status
            return None

        def look():
            try:
                return failure()
            except grpc.RpcError:
                return None

        return wait_for(look, LOAD_S, f"version {version} to fail")

    def keeps_serving(self, *versions):
        """Watch over several polls that exactly these versions go on answering."""
        duration_s = 4 * self.target.poll_s + 0.5
        watch(lambda: self.available() == set(versions), duration_s, f"exactly {versions} served: {self.states()}")
        for version in versions:
            assert self.factor(version) is not None

    def scale(self, version=None, timeout_s=CALL_S):
        """Ask once; return the version that answered and the factor it applied, which must agree in itself."""
        response = self.target.predict(request(self.name, {"x": X}, version=version), timeout_s)
        y, factor = decode(response.outputs["y"]), decode(response.outputs["factor"])
        assert len(set(factor.tolist())) == 1
        np.testing.assert_array_equal(y, X * factor[0])
        return response.model_spec.version.value, int(factor[0])

    def factor(self, version=None):
        return self.scale(version)[1]

    def slow_request(self, steps, version=None):
        return request(self.name, {"steps": np.int32(steps)}, signature="slow", version=version)


def measured_steps_per_second(target, model):
    """Return how many steps of the `slow` signature a server does in a second."""
    steps = 500
    target.predict(model.slow_request(steps))
    started = time.monotonic()
    target.predict(model.slow_request(steps))
    return steps / (time.monotonic() - started)


def spec(name, version=None, signature="", label=None):
    message = pb.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        message.version.value = version
    if label is not None:
        message.version_label = label
    return message


def request(name, inputs, *, version=None, signature="", label=None, outputs=()):
    message = pb.PredictRequest(model_spec=spec(name, version, signature, label), output_filter=outputs)
    for alias, array in inputs.items():
        message.inputs[alias].CopyFrom(encode(array))
    return message
