"""What the process does when it is told to end."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from familiar_modelserver.flags import parse_flags
from familiar_modelserver.server import ModelServer

PATIENCE_S = 60.0


@pytest.mark.parametrize("hanging", [{"_grpc"}, {"_rest"}, {"_grpc", "_rest"}], ids=" ".join)
def test_a_door_that_never_shuts_does_not_keep_the_process(tmp_path: Path, monkeypatch, hanging: set[str]) -> None:
    port_file = tmp_path / "ports.json"
    port_file.write_text("{}")
    flags, _ = parse_flags([f"--model_base_path={tmp_path}", "--drain_seconds=0.1", f"--port_file={port_file}"])
    server = ModelServer(flags)
    server._core.start()
    for door in hanging:
        monkeypatch.setattr(server, door, SimpleNamespace(drain=lambda _grace_s: threading.Event().wait()))
    ending = threading.Thread(target=server._drain, daemon=True)
    ending.start()
    ending.join(PATIENCE_S)
    assert not ending.is_alive()
    assert not port_file.exists()
