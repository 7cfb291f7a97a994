"""Versions change under load: no request fails, and no answer mixes two versions."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from familiar.wire.warmup import write_warmup
from target import LATEST_1, LATEST_2
from waiting import wait_for

_CLIENTS = 4
_VERSIONS = (2, 3, 4, 5, 6)


class Load:
    """Clients that ask without pause until they are stopped; every answer and every error is kept."""

    def __init__(self, model):
        self._model = model
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_CLIENTS)
        self.answers = []
        self._futures = []

    def __enter__(self):
        self._futures = [self._pool.submit(self._ask) for _ in range(_CLIENTS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._pool.shutdown()

    def _ask(self):
        while not self._stop.is_set():
            self.answers.append(self._model.scale(timeout_s=10))

    def check(self):
        """Raise what any client raised."""
        for future in self._futures:
            if future.done():
                future.result()

    def seen(self, version):
        self.check()
        return any(answered == version for answered, _ in self.answers[-200:])


def _warm(part):
    write_warmup(part, [("describe", {"query": [""]})])


@pytest.mark.parametrize("policy", [LATEST_1, LATEST_2], ids=["one version kept", "two versions kept"])
def test_no_request_fails_while_versions_are_published(new_model, policy):
    model = new_model(1, policy=policy)
    with Load(model) as load:
        for version in _VERSIONS:
            model.publish(version, spoil=_warm)
            wait_for(lambda version=version: load.seen(version), 60, f"version {version} to answer")
            if version > 3:
                model.retire(version - 3)
    load.check()
    assert {version for version, _ in load.answers} >= {1, *_VERSIONS}
    assert all(version == factor for version, factor in load.answers), "an answer mixes two versions"


def test_no_request_fails_while_a_broken_version_is_tried_and_taken_away(new_model):
    model = new_model(1)
    with Load(model) as load:
        model.publish(2, spoil=lambda part: (part / "saved_model.pb").write_bytes(b"\x08"))
        model.wait_until_failed(2)
        model.retire(2)
        model.publish(3)
        wait_for(lambda: load.seen(3), 60, "version 3 to answer")
        model.retire(3)
        wait_for(lambda: load.answers[-1][0] == 1, 60, "version 1 to answer again")
    load.check()
    assert {version for version, _ in load.answers} == {1, 3}
