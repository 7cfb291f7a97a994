"""A database with events, somebody who is told of them, and a courier in between."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from familiar.records import Database, Recorder, deliveries
from familiar.records.migrate import migrate
from familiar.settings import Settings
from familiar_gateway.messenger import courier as couriers
from familiar_gateway.messenger import instructions
from familiar_gateway.messenger.__main__ import _sender
from messengers import wait_until, write_file
from mosquitto import Mosquitto, program
from receiver import Receiver

Begin = Callable[..., couriers.Courier]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who takes everything."""
    started = Receiver().start()
    yield started
    started.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real MQTT broker."""
    if program() is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    started = Mosquitto(folder, port).start()
    yield started
    started.stop()


@pytest.fixture
def begin(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Have couriers at work, one for each destination of what is said; they end with the test."""
    monkeypatch.setattr(couriers, "POLL_S", 0.01)
    stop, threads = threading.Event(), []

    def start(said: dict, owner: str = "me", **changes: object) -> couriers.Courier:
        read = instructions.read(write_file(tmp_path, said))
        settings = Settings(events="on", **changes)
        for each in read.destinations:
            made = couriers.Courier(
                each.name, _sender(each), read, database, settings, owner, Recorder(database, "messenger")
            )
            threads.append(threading.Thread(target=made.work, args=(stop,), daemon=True))
            threads[-1].start()
        wait_until(lambda: _told_from(database) >= {each.name for each in read.destinations}, "it is told from here")
        return made

    yield start
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def _told_from(database: Database) -> set[str]:
    with database.read() as session:
        return {each.name for each in deliveries.all_of(session) if each.owner is not None}
