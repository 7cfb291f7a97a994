"""Tell others of events: ``python -m familiar_gateway.messenger [--check]``."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from familiar.errors import FamiliarError, MisconfiguredError
from familiar.records import Database, Recorder, deliveries, migrate
from familiar.settings import Settings
from familiar_gateway.messenger import instructions
from familiar_gateway.messenger.courier import Courier
from familiar_gateway.messenger.instructions import Broker, Instructions, Webhook
from familiar_gateway.messenger.mqtt import MqttSender
from familiar_gateway.messenger.sender import Sender
from familiar_gateway.messenger.webhooks import WebhookSender

log = logging.getLogger(__name__)

_RETRY_S, _REMIND_AFTER_TRIES = 1.0, 30


def main() -> int:
    """Tell until told to stop; the exit status is 0 then, and 2 if that could not begin."""
    parser = argparse.ArgumentParser(prog="python -m familiar_gateway.messenger", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whom the file names, and end")
    options = parser.parse_args()
    try:
        settings = Settings.from_env()
        said = _instructions(settings)
        if options.check:
            for each in said.destinations:
                print(f"{each.name}: {_described(each)}")
            print(f"{len(said.rules)} rules" if said.rules else "no rules: everybody is told of everything")
            return 0
        senders = {each.name: _sender(each) for each in said.destinations}
        database = Database(settings.database_url, connections=len(senders) + 1)
    except FamiliarError as exc:
        print(f"familiar-messenger: {exc}", file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    _stop_by_signal(stop)
    _wait_for(database, stop)
    _work(settings, said, senders, database, stop)
    database.close()
    return 0


def _work(
    settings: Settings, said: Instructions, senders: dict[str, Sender], database: Database, stop: threading.Event
) -> None:
    owner = f"{socket.gethostname()[:40]}-{os.getpid()}-{os.urandom(3).hex()}"
    recorder = Recorder(database, "messenger")
    couriers = [Courier(name, sender, said, database, settings, owner, recorder) for name, sender in senders.items()]
    threads = [threading.Thread(target=courier.work, args=(stop,), daemon=True) for courier in couriers]
    for thread in threads:
        thread.start()
    if not stop.is_set():
        try:
            database.retry(lambda session: deliveries.drop_unused(session, settings.events_keep_s))
        except FamiliarError as exc:
            log.warning("destinations of before stay known for now: %s", exc)
    for thread in threads:
        thread.join()


def _instructions(settings: Settings) -> Instructions:
    if not settings.events_file:
        raise MisconfiguredError("EVENTS_FILE: a file that says whom to tell of what is expected, see docs/events.md")
    if not settings.tells_events:
        raise MisconfiguredError("EVENTS=off: nothing is noted that anybody could be told of; set EVENTS=on")
    return instructions.read(Path(settings.events_file))


def _sender(its: Webhook | Broker) -> Sender:
    try:
        return WebhookSender(its) if isinstance(its, Webhook) else MqttSender(its)
    except OSError as exc:
        raise MisconfiguredError(f"EVENTS_FILE: destination {its.name!r}: 'ca' cannot be read: {exc.strerror}") from exc


def _described(its: Webhook | Broker) -> str:
    if isinstance(its, Webhook):
        return "a signed webhook"
    return f"MQTT under {its.topic}/" + (f", with discovery under {its.discovery}/" if its.discovery else "")


def _stop_by_signal(stop: threading.Event) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _wait_for(database: Database, stop: threading.Event) -> None:
    """Return when the database answers and has the tables of this release, or we are told to stop."""
    tries = 0
    while not stop.is_set():
        try:
            migrate.check(database)
        except FamiliarError as exc:
            if tries % _REMIND_AFTER_TRIES == 0:
                log.warning("waiting for the database: %s", exc)
            tries += 1
            stop.wait(_RETRY_S)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
