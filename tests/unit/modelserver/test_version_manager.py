"""Versions move without a gap, whatever loads, fails or hangs; with models that need no TensorFlow."""

import threading
import time
from pathlib import Path

import pytest

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.core import ServerCore
from familiar_modelserver.errors import ServerError
from familiar_modelserver.states import State, StateHistory
from familiar_modelserver.versions import Readiness, VersionManager

WAIT_S = 10


class FakeModel:
    signatures = {}  # noqa: RUF012

    def __init__(self, version):
        self.version = version
        self.closed = threading.Event()

    def run(self, feeds, fetches, timeout_s):
        return []

    def close(self):
        self.closed.set()


class Loader:
    """Loads every version but those in `broken`; `hold` keeps loads waiting."""

    def __init__(self):
        self.broken = set()
        self.attempts = []
        self.models = {}
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, name, version, path):
        self.attempts.append(version)
        self.hold.wait(WAIT_S)
        if version in self.broken:
            raise ServerError(pb.NOT_FOUND, f"version {version} is broken")
        self.models[version] = FakeModel(version)
        return self.models[version]


@pytest.fixture
def loader():
    return Loader()


@pytest.fixture
def history():
    return StateHistory()


@pytest.fixture
def manager(loader, history):
    manager = VersionManager(loader, history, retries=1, retry_interval_s=0.01, load_threads=2)
    manager.start()
    yield manager
    loader.hold.set()
    manager.stop()


@pytest.fixture
def aspire(manager):
    return lambda *versions: manager.set_aspired("m", {version: Path(str(version)) for version in versions})


@pytest.fixture
def serves(manager, history):
    """serves(versions): wait until exactly these are ready."""

    def check(*versions):
        deadline = time.monotonic() + WAIT_S
        while ready(history) != set(versions):
            assert time.monotonic() < deadline, history.of_model("m")
            manager.wait_for_change(0.02)

    return check


def ready(history):
    return {record.version for record in history.of_model("m") if record.state == State.AVAILABLE}


def state(history, version):
    return next((record.state for record in history.of_model("m") if record.version == version), None)


def until(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_highest_ready_version_is_used(manager, aspire, serves):
    aspire(1, 2)
    serves(1, 2)
    with manager.using("m") as (version, model):
        assert (version, model.version) == (2, 2)
    with manager.using("m", 1) as (version, model):
        assert (version, model.version) == (1, 1)


@pytest.mark.parametrize(("version", "text"), [(None, "Latest(m)"), (7, "Specific(m, 7)")])
def test_what_is_not_ready_is_not_found(manager, version, text):
    with pytest.raises(ServerError) as caught, manager.using("m", version):
        pass
    assert caught.value.message == f"Servable not found for request: {text}"
    assert caught.value.code == pb.NOT_FOUND


def test_replaced_version_is_unloaded_after_the_new_one_is_ready(loader, aspire, serves):
    aspire(1)
    serves(1)
    loader.hold.clear()
    aspire(2)
    until(lambda: 2 in loader.attempts)
    assert not loader.models[1].closed.is_set()
    loader.hold.set()
    serves(2)
    assert loader.models[1].closed.wait(WAIT_S)


def test_broken_version_is_tried_as_often_as_allowed_and_displaces_nothing(loader, history, aspire, serves):
    aspire(1)
    serves(1)
    loader.broken.add(2)
    aspire(2)
    until(lambda: state(history, 2) == State.END)
    assert loader.attempts.count(2) == 2
    assert ready(history) == {1}
    (record, _) = history.of_model("m")
    assert record.error.message == "version 2 is broken"


def test_failed_version_is_not_tried_again_while_it_is_aspired(loader, history, aspire, serves):
    loader.broken.add(2)
    aspire(1, 2)
    until(lambda: state(history, 2) == State.END)
    loader.broken.clear()
    aspire(1, 2)
    aspire(1, 2, 3)
    serves(1, 3)
    assert loader.attempts.count(2) == 2


def test_failed_version_is_tried_again_after_it_was_gone(loader, history, aspire, serves):
    loader.broken.add(2)
    aspire(1, 2)
    until(lambda: state(history, 2) == State.END)
    aspire(1)
    loader.broken.clear()
    serves(1)
    until(lambda: _forgotten(aspire, history))
    serves(1, 2)


def _forgotten(aspire, history):
    aspire(1, 2)
    return state(history, 2) != State.END


def test_request_in_flight_keeps_its_version_loaded(manager, loader, history, aspire, serves):
    aspire(1)
    serves(1)
    with manager.using("m", 1):
        aspire(2)
        until(lambda: state(history, 1) == State.UNLOADING)
        assert not loader.models[1].closed.is_set()
        with pytest.raises(ServerError), manager.using("m", 1):
            pass
    assert loader.models[1].closed.wait(WAIT_S)
    until(lambda: state(history, 1) == State.END)


def test_stuck_request_does_not_stop_other_transitions(manager, history, aspire, serves):
    aspire(1)
    serves(1)
    with manager.using("m", 1):
        for version in (2, 3, 4):
            aspire(version)
            serves(version)
        assert state(history, 1) == State.UNLOADING


def test_load_that_is_no_longer_wanted_is_dropped(loader, history, aspire, serves):
    aspire(1)
    serves(1)
    loader.hold.clear()
    aspire(1, 2)
    until(lambda: 2 in loader.attempts)
    aspire(1)
    until(lambda: _cancelled(loader))
    assert ready(history) == {1}


def _cancelled(loader):
    loader.hold.set()
    return 2 in loader.models and loader.models[2].closed.is_set()


def test_everything_is_unloaded_when_nothing_is_wanted(loader, aspire, serves):
    aspire(1, 2)
    serves(1, 2)
    aspire()
    serves()
    assert all(model.closed.wait(WAIT_S) for model in loader.models.values())


def test_readiness_is_pending_then_ready(manager, loader, aspire, serves):
    assert manager.readiness("m")[0] is Readiness.PENDING
    loader.broken.add(2)
    aspire(1, 2)
    serves(1)
    assert manager.readiness("m")[0] is Readiness.READY


def test_readiness_is_failed_when_every_version_failed(manager, loader, aspire):
    loader.broken.update({1, 2})
    aspire(1, 2)
    until(lambda: manager.readiness("m")[0] is Readiness.FAILED)
    assert "is broken" in str(manager.readiness("m")[1])


def test_unexpected_error_of_a_loader_is_a_failed_load(history, loader, aspire, monkeypatch):
    monkeypatch.setattr(loader, "models", None)
    aspire(1)
    until(lambda: state(history, 1) == State.END)
    assert history.of_model("m")[0].error.code == pb.UNKNOWN


def test_missing_base_path_of_one_model_changes_nothing_for_any(manager, history, tmp_path, serves):
    core = ServerCore(manager, history, poll_wait_s=0.05, labels_for_unavailable=False)
    (tmp_path / "m" / "1").mkdir(parents=True)
    there = pb.ModelConfig(name="m", base_path=str(tmp_path / "m"))
    core.configure([there])
    serves(1)
    (tmp_path / "m" / "2").mkdir()
    core.configure([there, pb.ModelConfig(name="n", base_path=str(tmp_path / "nowhere"))])
    assert ready(history) == {1}
    (tmp_path / "nowhere").mkdir()
    core.configure([there])
    serves(2)


def test_label_of_a_version_that_is_not_ready_is_refused_unless_allowed(manager, history, tmp_path):
    model = pb.ModelConfig(name="m", base_path=str(tmp_path), version_labels={"stable": 1})
    strict = ServerCore(manager, history, poll_wait_s=0, labels_for_unavailable=False)
    with pytest.raises(ServerError, match="Request to assign label to version 1 of model m"):
        strict.configure([model])
    lenient = ServerCore(manager, history, poll_wait_s=0, labels_for_unavailable=True)
    lenient.configure([model])
    model.version_labels["stable"] = 2
    with pytest.raises(ServerError, match="label to version 2"):
        lenient.configure([model])
