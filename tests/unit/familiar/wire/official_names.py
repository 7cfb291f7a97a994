"""Which official message each of ours stands for."""

NOT_IN_THE_PACKAGE = {"MonitoringConfig", "PrometheusConfig"}
"""Read from text files only; tensorflow-serving-api does not ship their descriptors."""

OFFICIAL_NAMES = {
    "TensorShape": "tensorflow.TensorShapeProto",
    "TensorShape.Dim": "tensorflow.TensorShapeProto.Dim",
    "Tensor": "tensorflow.TensorProto",
    "ModelSpec": "tensorflow.serving.ModelSpec",
    "PredictRequest": "tensorflow.serving.PredictRequest",
    "PredictResponse": "tensorflow.serving.PredictResponse",
    "Status": "tensorflow.serving.StatusProto",
    "GetModelStatusRequest": "tensorflow.serving.GetModelStatusRequest",
    "ModelVersionStatus": "tensorflow.serving.ModelVersionStatus",
    "GetModelStatusResponse": "tensorflow.serving.GetModelStatusResponse",
    "TensorInfo": "tensorflow.TensorInfo",
    "SignatureDef": "tensorflow.SignatureDef",
    "SignatureDefMap": "tensorflow.serving.SignatureDefMap",
    "GetModelMetadataRequest": "tensorflow.serving.GetModelMetadataRequest",
    "GetModelMetadataResponse": "tensorflow.serving.GetModelMetadataResponse",
    "ServableVersionPolicy": "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy",
    "ServableVersionPolicy.Latest": (
        "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest"
    ),
    "ServableVersionPolicy.All": ("tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.All"),
    "ServableVersionPolicy.Specific": (
        "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific"
    ),
    "ModelConfig": "tensorflow.serving.ModelConfig",
    "ModelConfigList": "tensorflow.serving.ModelConfigList",
    "ModelServerConfig": "tensorflow.serving.ModelServerConfig",
    "ReloadConfigRequest": "tensorflow.serving.ReloadConfigRequest",
    "ReloadConfigResponse": "tensorflow.serving.ReloadConfigResponse",
    "PredictLog": "tensorflow.serving.PredictLog",
    "PredictionLog": "tensorflow.serving.PredictionLog",
}

OFFICIAL_ENUMS = {
    "DataType": "tensorflow.DataType",
    "Code": "tensorflow.error.Code",
    "ModelVersionStatus.State": "tensorflow.serving.ModelVersionStatus.State",
}
