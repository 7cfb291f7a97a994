"""Everything together: build the parts from the flags, start, serve, drain."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.config import read_models, read_monitoring, single_model
from familiar_modelserver.core import ServerCore
from familiar_modelserver.flags import Flags
from familiar_modelserver.grpc_api import GrpcServer
from familiar_modelserver.metrics import MeasuredModel, Metrics
from familiar_modelserver.prediction import Model
from familiar_modelserver.rest_api import RestApp, RestServer
from familiar_modelserver.services import ModelServices
from familiar_modelserver.states import StateHistory
from familiar_modelserver.versions import LoadModel, VersionManager

_LOG = logging.getLogger(__name__)

_DEFAULT_METRICS_PATH: Final = "/monitoring/prometheus/metrics"


class ModelServer:
    """A model server in one process; built from flags, stopped by an event."""

    def __init__(self, flags: Flags) -> None:
        """Read the configuration; raises ServerError if it cannot be served."""
        self._flags = flags
        self._models = _configured_models(flags)
        self._metrics_path = _metrics_path(flags)
        self._metrics = Metrics()
        history = StateHistory()
        manager = VersionManager(
            _model_loader(flags, self._metrics),
            history,
            retries=flags.max_num_load_retries,
            retry_interval_s=flags.load_retry_interval_micros / 1e6,
            load_threads=flags.num_load_threads,
        )
        self._core = ServerCore(
            manager,
            history,
            poll_wait_s=flags.file_system_poll_wait_seconds,
            labels_for_unavailable=flags.allow_version_labels_for_unavailable_models,
        )
        self._services = ModelServices(self._core)
        self._grpc: GrpcServer | None = None
        self._rest: RestServer | None = None

    def run(self, stop: threading.Event) -> None:
        """Load the models, serve until `stop` is set, then drain; raises ServerError if starting fails."""
        self._core.start()
        new = self._core.configure(self._models)
        if not self._flags.open_ports_early:
            self._core.wait_until_ready(new, give_up=stop.is_set)
        self._open_ports()
        stop.wait()
        self._drain()

    def _open_ports(self) -> None:
        flags, ports = self._flags, {}
        if flags.serves_grpc_port or flags.grpc_socket_path:
            self._grpc = GrpcServer(self._services, self._metrics, max_concurrent=max(flags.grpc_max_threads - 1, 1))
            if flags.serves_grpc_port:
                ports["grpc"] = self._grpc.listen(f"{flags.host}:{flags.port}")
            if flags.grpc_socket_path:
                self._grpc.listen(f"unix:{flags.grpc_socket_path}")
            self._grpc.start()
        if flags.serves_rest:
            app = RestApp(
                self._services,
                self._metrics,
                timeout_s=flags.rest_api_timeout_in_ms / 1000,
                metrics_path=self._metrics_path,
            )
            self._rest = RestServer(app, flags.host, flags.rest_api_port, threads=max(flags.rest_api_num_threads, 1))
            ports["rest"] = self._rest.port
            self._rest.start()
        _LOG.info("serving on %s: %s", flags.host, json.dumps(ports))
        if flags.port_file is not None:
            _write_whole(flags.port_file, json.dumps({**ports, "host": flags.host, "pid": os.getpid()}))

    def _drain(self) -> None:
        """Let requests end for as long as is set; whatever hangs then, the process goes."""
        deadline = time.monotonic() + self._flags.drain_seconds
        _LOG.info("draining for at most %.1f s", self._flags.drain_seconds)
        finished = threading.Event()
        ways = (partial(self._drain_grpc, finished), self._drain_rest)
        doors = [threading.Thread(target=way, daemon=True) for way in ways]
        for door in doors:
            door.start()
        for door in doors:
            door.join(max(deadline - time.monotonic(), 0.0) + 1.5)
        if not finished.is_set() or any(door.is_alive() for door in doors):
            _LOG.warning("requests in flight did not end within the drain time")
        stopper = threading.Thread(target=self._core.stop, daemon=True)
        stopper.start()
        stopper.join(1.0)
        if self._flags.port_file is not None:
            self._flags.port_file.unlink(missing_ok=True)

    def _drain_grpc(self, finished: threading.Event) -> None:
        if self._grpc is None or self._grpc.drain(self._flags.drain_seconds):
            finished.set()

    def _drain_rest(self) -> None:
        if self._rest is not None:
            self._rest.drain(self._flags.drain_seconds)


def _configured_models(flags: Flags) -> Sequence[pb.ModelConfig]:
    if flags.model_config_file:
        return read_models(Path(flags.model_config_file))
    return single_model(flags.model_name, flags.model_base_path)


def _metrics_path(flags: Flags) -> str | None:
    if not flags.monitoring_config_file:
        return None
    config = read_monitoring(Path(flags.monitoring_config_file))
    return (config.path or _DEFAULT_METRICS_PATH) if config.enable else None


def _model_loader(flags: Flags, metrics: Metrics) -> LoadModel:
    """Build the function that loads a version and warms it up."""
    # TensorFlow takes seconds to import, so flags and configuration are checked before.
    from familiar_modelserver.engine import SavedModel
    from familiar_modelserver.warmup import replay_warmup

    def load(name: str, version: int, path: Path) -> Model:
        started = time.perf_counter()
        model = SavedModel(
            path,
            intra_op_threads=flags.tensorflow_intra_op_parallelism,
            inter_op_threads=flags.tensorflow_inter_op_parallelism,
        )
        loaded = time.perf_counter()
        records = 0
        if flags.enable_model_warmup:
            try:
                records = replay_warmup(model, path, iterations=flags.num_request_iterations_for_warmup)
            except BaseException:
                metrics.warmup_latency.observe(time.perf_counter() - loaded, str(path), "FAILED")
                model.close()
                raise
            metrics.warmup_latency.observe(time.perf_counter() - loaded, str(path), "OK")
        _LOG.info(
            "%s version %d loaded in %.2f s, %d warm-up records replayed in %.2f s",
            name,
            version,
            loaded - started,
            records,
            time.perf_counter() - loaded,
        )
        return MeasuredModel(model, name, metrics)

    return load


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)
