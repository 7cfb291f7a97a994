"""A real MQTT broker, Debian's mosquitto, where it is installed."""

import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 30.0


def program() -> str | None:
    """Return the broker's program, None if there is none."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@dataclass
class Mosquitto:
    """A broker on a port of loopback, with what it keeps in a folder."""

    folder: Path
    port: int
    more: Sequence[str] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        """Start it and wait until it listens."""
        lines = [f"listener {self.port} 127.0.0.1", *self.more, "persistence false"]
        if os.geteuid() == 0:
            lines.append("user root")
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        log = (self.folder / "mosquitto.log").open("ab")
        command = [program() or "", "-c", str(self.folder / "mosquitto.conf")]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while "running" not in (text := (self.folder / "mosquitto.log").read_text()):
            assert self.process.poll() is None and time.monotonic() < deadline, text
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process = None
            (self.folder / "mosquitto.log").unlink()


@dataclass
class Listener:
    """Somebody who hears all that is published: topic, text and whether it was retained before."""

    heard: list[tuple[str, str, bool]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def last(self, topic: str) -> str | None:
        """Return what was said last under a topic."""
        with self.lock:
            return next((text for told, text, _ in reversed(self.heard) if told == topic), None)

    def all(self, topic: str) -> list[str]:
        """Return what was said under a topic, in order."""
        with self.lock:
            return [text for told, text, _ in self.heard if told == topic]


@contextmanager
def listening(port: int, user: str | None = None, password: str | None = None) -> Iterator[Listener]:
    """Listen to everything on a broker; what it has retained is heard by the beginning."""
    listener, ready = Listener(), threading.Event()
    marker = f"listening/{uuid.uuid4()}"  # comes back after all that was there before it
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.max_queued_messages_set(0)

    def hear(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == marker:
            ready.set()
            return
        with listener.lock:
            listener.heard.append((message.topic, message.payload.decode(), message.retain))

    client.on_message = hear
    client.on_connect = lambda *_: client.subscribe("#", 1)
    client.on_subscribe = lambda *_: client.publish(marker, qos=1)
    client.reconnect_delay_set(0.05, 0.1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert ready.wait(PATIENCE_S)
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
