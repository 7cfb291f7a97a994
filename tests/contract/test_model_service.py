"""GetModelStatus, GetModelMetadata and HandleReloadConfigRequest (section 4)."""

import grpc
import pytest

from familiar.wire import serving_pb2 as pb
from target import LATEST_2, MODEL, PREDICTION, ModelFolder, spec
from waiting import wait_for

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_NOT_FOUND = grpc.StatusCode.NOT_FOUND


def test_status_lists_versions_highest_first_with_ok(target, model):
    found = target.status(model.name).model_version_status
    assert [(status.version, status.state) for status in found] == [(2, 30), (1, 30)]
    assert all(status.status.error_code == pb.OK and not status.status.error_message for status in found)


def test_status_of_one_version(target, model):
    assert [status.version for status in target.status(model.name, 1).model_version_status] == [1]


def test_status_ignores_a_label(target, model):
    request = pb.GetModelStatusRequest(model_spec=spec(model.name, label="nope"))
    found = target.call(MODEL + "GetModelStatus", request, pb.GetModelStatusResponse.FromString)
    assert [status.version for status in found.model_version_status] == [2, 1]


def test_status_without_model_spec(target, fails):
    call = lambda: target.call(  # noqa: E731
        MODEL + "GetModelStatus", pb.GetModelStatusRequest(), pb.GetModelStatusResponse.FromString
    )
    assert fails(_INVALID, call) == "Missing ModelSpec"


def test_status_of_a_model_never_seen(target, fails):
    text = fails(_NOT_FOUND, lambda: target.status("nobody"))
    assert text == "Could not find any versions of model nobody"


def test_status_of_a_version_never_seen(target, model, fails):
    text = fails(_NOT_FOUND, lambda: target.status(model.name, 77))
    assert text == f"Could not find version 77 of model {model.name}"


def test_metadata_describes_every_signature(target, model):
    response = target.metadata(model.name)
    assert (response.model_spec.name, response.model_spec.version.value) == (model.name, 2)
    packed = response.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    signatures = pb.SignatureDefMap.FromString(packed.value).signature_def
    assert {"serving_default", "describe", "__saved_model_init_op"} <= set(signatures)
    x = signatures["serving_default"].inputs["x"]
    assert (x.name, x.dtype, [dim.size for dim in x.tensor_shape.dim]) == (
        "serving_default_x:0",
        pb.DT_FLOAT,
        [-1, 3],
    )
    assert signatures["serving_default"].method_name == "tensorflow/serving/predict"


def test_metadata_of_a_named_version(target, model):
    assert target.metadata(model.name, version=1).model_spec.version.value == 1


def test_metadata_needs_a_field(target, model, fails):
    text = fails(_INVALID, lambda: target.metadata(model.name, fields=()))
    assert text == "GetModelMetadataRequest must specify at least one metadata_field"


def test_metadata_knows_one_field(target, model, fails):
    text = fails(_INVALID, lambda: target.metadata(model.name, fields=("weights",)))
    assert text == "Metadata field weights is not supported"


def test_metadata_without_model_spec(target, fails):
    request = pb.GetModelMetadataRequest(metadata_field=["signature_def"])
    call = lambda: target.call(  # noqa: E731
        PREDICTION + "GetModelMetadata", request, pb.GetModelMetadataResponse.FromString
    )
    assert fails(_INVALID, call) == "Missing ModelSpec"


def test_metadata_of_an_unknown_model(target, fails):
    text = fails(_NOT_FOUND, lambda: target.metadata("nobody"))
    assert text == "Servable not found for request: Latest(nobody)"


def test_reload_adds_a_model_and_returns_when_it_answers(new_model):
    assert new_model(1).scale() == (1, 1)


def test_reload_unloads_models_it_omits(target, new_model):
    model = new_model(1)
    target.forget(model)
    wait_for(lambda: model.states() == {1: "END"}, 30, "the version to end")


def test_reload_without_a_model_list(target, fails):
    call = lambda: target.call(  # noqa: E731
        MODEL + "HandleReloadConfigRequest", pb.ReloadConfigRequest(), pb.ReloadConfigResponse.FromString
    )
    assert fails(_INVALID, call) == (
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
    )


def test_reload_refuses_a_model_listed_twice(target, model, fails):
    configs = [*target.configured.values(), model.config]
    text = fails(_INVALID, lambda: target.reload(configs))
    assert f"Illegal to list model {model.name} multiple times in config list" in text
    assert model.scale() == (2, 2)


def test_reload_refuses_a_relative_path(target, model, fails):
    configs = [*target.configured.values(), pb.ModelConfig(name="r", base_path="r", model_platform="tensorflow")]
    text = fails(_INVALID, lambda: target.reload(configs))
    assert "Expected model r to have an absolute path or URI; got base_path()=r" in text
    assert model.scale() == (2, 2)


def test_reload_reports_a_model_that_cannot_be_loaded(target, exports):
    broken = ModelFolder(target, exports, LATEST_2)
    (broken.path / "1").mkdir(parents=True)
    try:
        with pytest.raises(grpc.RpcError, match="did not become available"):
            target.configure(broken)
    finally:
        target.discard(broken)
