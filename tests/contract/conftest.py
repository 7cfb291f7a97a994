"""The conformance suite runs against the embedded server and, where one is given, a real TensorFlow Serving.

See README.md beside this file.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper modules of this folder

from model_server import EmbeddedServer, write_config, write_monitoring
from target import LATEST_2, ModelFolder, Target, measured_steps_per_second

_EXPORTER = Path(__file__).with_name("export_models.py")
_EXPORT_S = 180
_REAL = ("TFS_ADDR", "TFS_REST_ADDR", "TFS_MODELS")
_HAS_REAL = all(os.environ.get(name) for name in _REAL)

BASE_MODEL = "contract-base"
"""Served from the start and by every configuration of the suite; see prepare_models.py."""


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Folder of exported models: frozen/K and variables/K multiply by K."""
    out = tmp_path_factory.mktemp("exports")
    script = [sys.executable, str(_EXPORTER), str(out)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=_EXPORT_S, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session", params=["embedded", "real"] if _HAS_REAL else ["embedded"])
def target(request, exports, tmp_path_factory):
    """The server under test."""
    running = _real_target() if request.param == "real" else None
    if running is not None:
        yield running
        running.channel.close()
        return
    folder = tmp_path_factory.mktemp("embedded")
    models = folder / "models"
    base = models / BASE_MODEL
    shutil.copytree(exports / "frozen" / "1", base / "1")
    config = write_config(folder / "models.pbtxt", (BASE_MODEL, base, "latest { num_versions: 2 }"))
    monitoring = write_monitoring(folder / "monitoring.pbtxt")
    server = EmbeddedServer(folder, f"--model_config_file={config}", f"--monitoring_config_file={monitoring}")
    try:
        running = Target("embedded", server.address, server.rest_address, models, str(models), poll_s=0.2)
        running.process = server.process
        running.configured[BASE_MODEL] = ModelFolder(running, exports, LATEST_2, BASE_MODEL).config
        yield running
        running.channel.close()
        assert server.process.poll() is None, f"the server died during the suite:\n{server.log[-5000:]}"
    finally:
        server.stop()


def _real_target():
    models = Path(os.environ["TFS_MODELS"])
    mount = os.environ.get("TFS_MODELS_MOUNT", str(models))
    real = Target("real", os.environ["TFS_ADDR"], os.environ["TFS_REST_ADDR"], models, mount, poll_s=1.0)
    # A new configuration replaces the old one, so what the server already serves from here is kept in it.
    for path in sorted(models.iterdir()):
        folder = ModelFolder(real, None, LATEST_2, path.name)
        if path.is_dir() and folder.available():
            real.configured[path.name] = folder.config
    return real


@pytest.fixture
def new_model(target, exports):
    """Make models of one's own: new_model(version, ..., policy=...) serves these versions."""
    made = []

    def make(*versions, policy=LATEST_2):
        model = ModelFolder(target, exports, policy)
        made.append(model)
        for version in versions:
            model.publish(version)
        target.configure(model)
        return model

    yield make
    for model in made:
        target.discard(model)


@pytest.fixture(scope="module")
def model(target, exports):
    """A model nobody changes, serving versions 1 and 2."""
    folder = ModelFolder(target, exports, LATEST_2)
    folder.publish(1)
    folder.publish(2)
    target.configure(folder)
    folder.wait_until_available(1, 2)
    yield folder
    target.discard(folder)


@pytest.fixture
def embedded(target):
    """Skip where only our own server promises the behaviour."""
    if target.kind != "embedded":
        pytest.skip("the real server behaves differently here, or only with other flags")


@pytest.fixture(scope="session")
def steps_per_second(target, exports):
    """How many steps of the `slow` signature this machine does in a second."""
    folder = ModelFolder(target, exports, LATEST_2)
    folder.publish(1)
    target.configure(folder)
    measured = measured_steps_per_second(target, folder)
    target.discard(folder)
    return measured


@pytest.fixture
def fails(target):
    """fails(code, call): the call ends with this status; returns its text."""

    def check(code, call):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is code, caught.value
        return caught.value.details()

    return check
