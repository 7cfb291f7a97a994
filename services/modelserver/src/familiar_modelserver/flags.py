"""The command line: the flags of tensorflow_model_server we support, under the same names, and a few of ours."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Flags:
    """Everything the command line decides."""

    host: str
    port: int
    grpc_socket_path: str
    rest_api_port: int
    rest_api_num_threads: int
    rest_api_timeout_in_ms: int
    model_name: str
    model_base_path: str
    model_config_file: str
    monitoring_config_file: str
    file_system_poll_wait_seconds: float
    max_num_load_retries: int
    load_retry_interval_micros: int
    num_load_threads: int
    allow_version_labels_for_unavailable_models: bool
    enable_model_warmup: bool
    num_request_iterations_for_warmup: int
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int
    grpc_max_threads: int
    open_ports_early: bool
    port_file: Path | None
    drain_seconds: float

    @property
    def serves_grpc_port(self) -> bool:
        """Port 0 turns gRPC off, unless a port file can tell which free port was taken."""
        return self.port > 0 or self.port_file is not None

    @property
    def serves_rest(self) -> bool:
        """As for gRPC."""
        return self.rest_api_port > 0 or self.port_file is not None


IGNORED = (
    "num_unload_threads",
    "flush_filesystem_caches",
    "enable_grpc_healthcheck_service",
    "enable_profiler",
)
"""Flags that change nothing here: unloads never wait for each other, the health service is always there, ..."""


def parse_flags(arguments: Sequence[str]) -> tuple[Flags, tuple[str, ...]]:
    """Read the command line; unknown arguments are returned, not refused, as in TensorFlow Serving."""
    parser = _parser()
    values, unknown = parser.parse_known_args(arguments)
    for argument in unknown:
        print(f"unknown argument: {argument}", file=sys.stderr)
    if unknown:
        parser.print_usage(sys.stderr)
    fields = {name: value for name, value in vars(values).items() if name not in IGNORED}
    return Flags(**fields), tuple(unknown)


def _parser() -> argparse.ArgumentParser:
    threads = 4 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 16
    parser = argparse.ArgumentParser(prog="familiar_modelserver", description=__doc__, allow_abbrev=False)

    def add(name: str, default: Any, text: str, kind: Any = None) -> None:
        if isinstance(default, bool):
            parser.add_argument(f"--{name}", type=_boolean, nargs="?", const=True, default=default, help=text)
        else:
            parser.add_argument(f"--{name}", type=kind or type(default), default=default, help=text)

    add("host", "127.0.0.1", "address both ports listen on; requests are not authenticated")
    add("port", 8500, "gRPC port; 0: none, or with --port_file any free one")
    add("grpc_socket_path", "", "also serve gRPC on this unix socket")
    add("rest_api_port", 0, "REST port; 0: none, or with --port_file any free one")
    add("rest_api_num_threads", threads, "requests REST answers at once")
    add("rest_api_timeout_in_ms", 30_000, "deadline of every REST request")
    add("model_name", "default", "name of the only model, without --model_config_file")
    add("model_base_path", "", "folder of the only model's versions")
    add("model_config_file", "", "ModelServerConfig in text format")
    add("monitoring_config_file", "", "MonitoringConfig in text format")
    add("file_system_poll_wait_seconds", 1.0, "seconds between looks at the folders; 0: once, negative: never")
    add("max_num_load_retries", 5, "attempts after a failed load")
    add("load_retry_interval_micros", 60_000_000, "wait before such an attempt")
    add("num_load_threads", 2, "versions loaded at once")
    add("allow_version_labels_for_unavailable_models", False, "a new label may name a version not yet loaded")
    add("enable_model_warmup", True, "replay the warm-up records of a version before it is available")
    add("num_request_iterations_for_warmup", 1, "how often each record is replayed")
    add("tensorflow_intra_op_parallelism", 1, "threads within one operation; 0: one per core")
    add("tensorflow_inter_op_parallelism", 0, "operations at once; 0: one per core")
    add(
        "grpc_max_threads",
        max(threads, 128),
        "gRPC requests at once, and one more; others get RESOURCE_EXHAUSTED",
    )
    add("open_ports_early", False, "open the ports before every model has a version")
    add("port_file", None, "write the bound ports here as JSON once they are open", Path)
    add("drain_seconds", 10.0, "after SIGTERM, time for requests in flight")
    for name in IGNORED:
        parser.add_argument(f"--{name}", nargs="?", help="accepted, without effect")
    return parser


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
