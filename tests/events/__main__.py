"""Tell others of many events while they are away and we are killed, and look what has arrived: ``make events``.

A writer, as gateways are, notes visits before eight cameras in a process that is killed by ``kill -9`` again and again;
so is the messenger, which tells a webhook and a real MQTT broker. Both are away for a part of the time, and the webhook
refuses one event in a hundred twice. In the end each event of the table must have arrived at both, in order by
camera, and whatever came twice must have come under one id.
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import messengers
from familiar.records import Database, deliveries, events
from familiar.records.migrate import migrate
from mosquitto import Listener, Mosquitto, listening, program
from receiver import Receiver

CAMERAS = [f"camera-{number}" for number in range(8)]
_EVERY, _REFUSALS = 97, 2
_MOST_S = 1800.0


def main() -> int:
    """Run, print what came of it, and return 1 if anything was lost or out of order."""
    parser = argparse.ArgumentParser(prog="make events", description="Tell others of events while all break down.")
    parser.add_argument("--events", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--kills", type=int, default=20, help="how often writer and messenger are killed, each (20)")
    parser.add_argument("--seed", type=int, default=1, help="which chance (1)")
    parser.add_argument("--log", action="store_true", help="show what the messenger said")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="events-", dir="/tmp") as folder, ExitStack() as held:
        trial = Trial(Path(folder), held, given.events, given.kills, random.Random(given.seed))
        faults = trial.run()
        if faults or given.log:
            print((Path(folder) / "messenger.log").read_text())
    print(*faults, sep="\n")
    return bool(faults)


class Trial:
    """A database, a writer, a messenger, and those who are told."""

    def __init__(self, folder: Path, held: ExitStack, many: int, kills: int, chance: random.Random) -> None:
        self._folder = folder
        self._held = held
        self._many = many
        self._kills = kills
        self._chance = chance
        self._url = f"sqlite:///{folder}/familiar.db"
        self._database = Database(self._url)
        migrate(self._database)
        self._receiver = Receiver(answer=_refusing).start()
        held.callback(self._receiver.stop)
        self._said = {"destinations": {"hook": self._receiver.said(deadline_s=2)}}
        self._broker: Mosquitto | None = None
        if program() is not None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            kept = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
            self._broker = Mosquitto(folder, port, kept).start()
            held.callback(self._broker.stop)
            self._said["destinations"]["broker"] = {"mqtt": f"mqtt://127.0.0.1:{port}", "deadline_s": 2}

    def run(self) -> Sequence[str]:
        """Do it all, and return what was wrong."""
        started = time.monotonic()
        for name in self._said["destinations"]:
            self._database.retry(lambda session, its=name: deliveries.enlist(session, its))
        listener = self._held.enter_context(listening(self._broker.port)) if self._broker else Listener()
        self._break_down()
        print(f"{self._many} events were written in {time.monotonic() - started:.0f} s")
        with messengers.running(self._folder, self._url, self._said):
            messengers.wait_until(lambda: not self._left(), "all were told", _MOST_S)
            print(f"all were told after {time.monotonic() - started:.0f} s")
        with self._database.read() as session:
            told = events.page(session, events.Wanted(), 0, 10**6)
        heard = [json.loads(text) for topic, text, _ in listener.heard if topic.endswith("/events")]
        faults = [f"the receiver got {self._receiver.unsigned} unsigned"] if self._receiver.unsigned else []
        faults += _compare("webhook", told, self._receiver.taken)
        return [*faults, *(_compare("mqtt", told, heard) if self._broker else ["mosquitto is not installed: no MQTT"])]

    def _break_down(self) -> None:
        """Have events written and told while everybody is killed or away."""
        writer, messenger = self._write(), self._tell()
        try:
            for number in range(self._kills):
                enough = self._many * (number + 1) // (self._kills + 1)
                messengers.wait_until(lambda most=enough: self._written() >= most, f"{enough} are written", _MOST_S)
                for process in (writer, messenger):
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                self._forget_owners()
                if number % 4 == 1:
                    self._receiver.stop()
                if number % 4 == 3:
                    self._receiver.start()
                if self._broker is not None and number % 5 == 2:
                    self._broker.stop()
                if self._broker is not None and number % 5 == 3:
                    self._broker.start()
                    time.sleep(1.0)  # whoever listens connects again
                writer, messenger = self._write(), self._tell()
            messengers.wait_until(lambda: writer.poll() is not None, "all are written", _MOST_S)
        finally:
            for process in (writer, messenger):
                process.kill()
                process.wait()
            self._forget_owners()
            if self._receiver.server is None:
                self._receiver.start()
            if self._broker is not None and self._broker.process is None:
                self._broker.start()
                time.sleep(1.0)

    def _write(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "events.writer", self._url, str(self._many)]
        return subprocess.Popen(command)

    def _tell(self) -> subprocess.Popen[bytes]:
        return messengers.start(self._folder, self._url, self._said)

    def _written(self) -> int:
        with self._database.read() as session:
            return events.newest(session)

    def _left(self) -> int:
        with self._database.read() as session:
            return sum(deliveries.backlog(session, each) for each in deliveries.all_of(session))

    def _forget_owners(self) -> None:
        """Do what half a minute of silence does: another messenger may begin at once."""

        def forget(session) -> None:
            for each in deliveries.all_of(session):
                each.owner = None

        self._database.retry(forget)


def _refusing(event: dict, times: int) -> int:
    return 503 if event["number"] % _EVERY == 0 and times <= _REFUSALS else 200


def _compare(name: str, told: Sequence[events.Event], arrived: Sequence[dict]) -> list[str]:
    """Return what is wrong with what arrived, and say how much came how often."""
    times = Counter(each["id"] for each in arrived)
    faults = [f"{name}: {each.id} ({each.camera}) never arrived" for each in told if each.id not in times][:10]
    for camera in {each.camera for each in told}:
        first: dict[int, None] = {}
        for each in arrived:
            if each["camera"] == camera:
                first.setdefault(each["number"])
        if list(first) != sorted(first):
            faults.append(f"{name}: those of {camera} came out of order")
    twice = sum(number - 1 for number in times.values())
    print(f"{name}: {len(times)} of {len(told)} arrived, and {twice} came again under an id that was known")
    return faults


if __name__ == "__main__":
    sys.exit(main())
