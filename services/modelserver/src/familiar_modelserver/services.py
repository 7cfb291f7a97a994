"""The services of the server, whatever the transport: messages in, messages out, ServerError for failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.config import checked_models
from familiar_modelserver.core import ServerCore
from familiar_modelserver.errors import ServerError
from familiar_modelserver.prediction import predict

SIGNATURE_DEF: Final = "signature_def"
_SIGNATURE_DEF_TYPE: Final = "type.googleapis.com/tensorflow.serving.SignatureDefMap"


class ModelServices:
    """Predict, GetModelStatus, GetModelMetadata and HandleReloadConfigRequest."""

    def __init__(self, core: ServerCore) -> None:
        self.core = core

    def predict(self, request: pb.PredictRequest, timeout_s: float | None) -> pb.PredictResponse:
        """Answer with the version the request names, within the time left."""
        with self.core.using(_spec_of(request)) as (version, model):
            return predict(model, version, request, timeout_s)

    def model_status(self, request: pb.GetModelStatusRequest) -> pb.GetModelStatusResponse:
        """List the versions ever seen of a model, highest first; a label is ignored."""
        spec = _spec_of(request)
        records = self.core.history.of_model(spec.name)
        if not records and not spec.HasField("version"):
            raise ServerError(pb.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        if spec.HasField("version"):
            wanted = spec.version.value
            records = tuple(record for record in records if record.version == wanted)
            if not records:
                raise ServerError(pb.NOT_FOUND, f"Could not find version {wanted} of model {spec.name}")
        response = pb.GetModelStatusResponse()
        for record in records:
            status = response.model_version_status.add(version=record.version, state=record.state)
            status.status.error_code = record.error.code if record.error else pb.OK
            status.status.error_message = record.error.raw if record.error else b""
        return response

    def model_metadata(self, request: pb.GetModelMetadataRequest) -> pb.GetModelMetadataResponse:
        """Describe the signatures of the version the request names."""
        spec = _spec_of(request)
        if not request.metadata_field:
            raise ServerError(pb.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise ServerError(pb.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
        with self.core.using(spec) as (version, model):
            signatures = pb.SignatureDefMap(signature_def=model.signatures)
        response = pb.GetModelMetadataResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = version
        packed = response.metadata[SIGNATURE_DEF]
        packed.type_url = _SIGNATURE_DEF_TYPE
        packed.value = signatures.SerializeToString()
        return response

    def reload_config(self, request: pb.ReloadConfigRequest, give_up: Callable[[], bool]) -> pb.ReloadConfigResponse:
        """Replace the configured models and wait until the new ones answer, or the caller gives up."""
        new = self.core.configure(checked_models(request.config))
        self.core.wait_until_ready(new, give_up)
        return pb.ReloadConfigResponse(status=pb.Status(error_code=pb.OK))


def _spec_of(
    request: pb.PredictRequest | pb.GetModelStatusRequest | pb.GetModelMetadataRequest,
) -> pb.ModelSpec:
    if not request.HasField("model_spec"):
        raise ServerError(pb.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec
