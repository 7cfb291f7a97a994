"""Read and check the configuration files of TensorFlow Serving, in protobuf's text format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError

PLATFORM: Final = "tensorflow"

_M = TypeVar("_M", bound=Message)


def read_models(path: Path) -> tuple[pb.ModelConfig, ...]:
    """Read a `--model_config_file`; raises ServerError."""
    return checked_models(_read(path, pb.ModelServerConfig()))


def read_monitoring(path: Path) -> pb.PrometheusConfig:
    """Read a `--monitoring_config_file`; raises ServerError."""
    return _read(path, pb.MonitoringConfig()).prometheus_config


def checked_models(config: pb.ModelServerConfig) -> tuple[pb.ModelConfig, ...]:
    """Return the models of a configuration in order; raises ServerError for one that cannot be served."""
    if config.WhichOneof("config") != "model_config_list":
        raise ServerError(
            pb.INVALID_ARGUMENT,
            "ServerModelConfig type not supported by HandleReloadConfigRequest."
            " Only ModelConfigList is currently supported",
        )
    models = tuple(config.model_config_list.config)
    _check_names(models)
    for model in models:
        if not model.base_path.startswith("/"):
            raise ServerError(
                pb.INVALID_ARGUMENT,
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}",
            )
    for model in models:
        _check_platform(model)
    return models


def single_model(name: str, base_path: str) -> tuple[pb.ModelConfig, ...]:
    """Build the configuration that `--model_name` and `--model_base_path` stand for; raises ServerError."""
    config = pb.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return checked_models(config)


def _check_names(models: Iterable[pb.ModelConfig]) -> None:
    seen = set()
    for model in models:
        if model.name in seen:
            raise ServerError(pb.INVALID_ARGUMENT, f"Illegal to list model {model.name} multiple times in config list")
        seen.add(model.name)


def _check_platform(model: pb.ModelConfig) -> None:
    if not model.model_platform:
        raise ServerError(
            pb.INVALID_ARGUMENT,
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"
            f" ModelServerConfig::model_platform, model name is {model.name}",
        )
    if model.model_platform != PLATFORM:
        raise ServerError(
            pb.INVALID_ARGUMENT,
            f"Unsupported model platform {model.model_platform!r} of model {model.name}; only"
            f" {PLATFORM!r} is supported",
        )


def _read(path: Path, message: _M) -> _M:
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except OSError as exc:
        raise ServerError(pb.NOT_FOUND, f"{path}: {exc.strerror}") from exc
    except (text_format.ParseError, UnicodeDecodeError) as exc:
        raise ServerError(pb.INVALID_ARGUMENT, f"Invalid protobuf file: '{path}': {exc}") from exc
