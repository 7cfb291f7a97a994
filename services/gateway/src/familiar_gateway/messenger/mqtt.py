"""MQTT: events by camera, what is shown of each camera until it changes, and Home Assistant's discovery of it."""

import json
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from familiar.records import EventKind
from familiar_gateway.messenger.instructions import Broker
from familiar_gateway.messenger.sender import Line, Result
from familiar_gateway.web import Json

_AT_LEAST_ONCE = 1
_KEEPALIVE_S = 20
_LOOK_S = 0.2
_ONLINE, _OFFLINE = "online", "offline"
NO_CAMERA = "no-camera"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class MqttSender:
    """Publishes events to one broker; whatever the broker has not confirmed is published again."""

    def __init__(self, its: Broker) -> None:
        """Take which broker.

        Raises:
            OSError: ``ca`` cannot be read.
        """
        self._its = its
        self._tls = ssl.create_default_context(cafile=its.ca) if its.tls else None
        self._connection: _Connection | None = None
        self._discovered: set[str] = set()

    def send(self, lines: Sequence[Line], until: float) -> list[Result]:
        """Publish what is on each line; what is shown of a camera follows its events."""
        results: list[Result] = []
        problem: str | None = None
        for line in lines:
            if problem is None and line.messages and time.monotonic() < until:
                results.append(self._send(line))
                problem = results[-1].problem
            else:
                results.append(Result(0, problem if line.messages else None))
        return results

    def _send(self, line: Line) -> Result:
        told = 0
        try:
            connection = self._connected()
            self._discover(connection, line.camera)
            sent = [connection.publish(self._topic(line.camera, "events"), each.body) for each in line.messages]
            followed = [connection.publish(topic, body, retain=True) for topic, body in self._shown(line).items()]
            deadline = time.monotonic() + self._its.deadline_s
            for info in sent:
                connection.wait_for(info, deadline)
                told += 1
            for info in followed:
                connection.wait_for(info, deadline)
        except (OSError, ValueError) as exc:
            self._hang_up()
            # The last one counts only when what is shown of it has arrived, too.
            return Result(min(told, len(line.messages) - 1), _why(exc))
        return Result(told, shown=self._events_shown(line))

    def clear(self, topics: Sequence[str]) -> None:
        """Have nothing shown under these topics any more."""
        if topics:
            self._retain(dict.fromkeys(topics))

    def recount(self, today: Mapping[str, int], topics: Sequence[str]) -> None:
        """Show how many have come today where that is shown already; connect, if only to say that we are there."""
        counts = {self._topic(camera, "count"): number for camera, number in today.items()}
        self._retain({topic: number for topic, number in counts.items() if topic in topics})

    def close(self) -> None:
        """Say that nobody publishes any more, and hang up."""
        if self._connection is not None:
            self._connection.say_goodbye(self._status, self._its.deadline_s)
        self._hang_up()

    @property
    def _status(self) -> str:
        return f"{self._its.topic}/status"

    def _topic(self, camera: str, what: str) -> str:
        return f"{self._its.topic}/{slug(camera)}/{what}"

    def _retain(self, shown: Mapping[str, object]) -> None:
        try:
            connection = self._connected()
            sent = [connection.publish(topic, body, retain=True) for topic, body in shown.items()]
            deadline = time.monotonic() + self._its.deadline_s
            for info in sent:
                connection.wait_for(info, deadline)
        except (OSError, ValueError) as exc:
            self._hang_up()
            raise OSError(_why(exc)) from exc

    def _connected(self) -> "_Connection":
        if self._connection is not None and self._connection.is_lost:
            self._hang_up()
        if self._connection is None:
            self._connection = _Connection(self._its, self._tls, self._status)
            self._discovered = set()
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _last(self, line: Line) -> dict[str, tuple[str, Json]]:
        """Return which event is the last one to show, by what is shown."""
        named = {EventKind.PERSON_SEEN: "person", EventKind.UNKNOWN_SEEN: "unknown"}
        return {named[each.kind]: (each.id, each.body) for each in line.messages if each.kind in named}

    def _shown(self, line: Line) -> dict[str, object]:
        last = self._last(line)
        counted: dict[str, object] = {"count": line.today} if last and line.camera else {}
        shown: dict[str, object] = {what: body for what, (_, body) in last.items()}
        return {self._topic(line.camera, what): body for what, body in {**shown, **counted}.items()}

    def _events_shown(self, line: Line) -> dict[str, str]:
        shown = {self._topic(line.camera, what): event_id for what, (event_id, _) in self._last(line).items()}
        if shown and line.camera:
            shown[self._topic(line.camera, "count")] = next(reversed(shown.values()))
        return shown

    def _discover(self, connection: "_Connection", camera: str) -> None:
        """Tell Home Assistant of a camera, once for each connection."""
        if self._its.discovery is None or not camera or camera in self._discovered:
            return
        node = f"familiar_{slug(camera)}"
        for what, its in _SENSORS.items():
            config = {
                **its,
                "unique_id": f"{self._its.topic.replace('/', '_')}_{node}_{what}",
                "state_topic": self._topic(camera, what),
                "availability_topic": self._status,
                "device": {
                    "identifiers": [f"{self._its.topic.replace('/', '_')}_{node}"],
                    "name": f"Familiar {camera}",
                    "manufacturer": "Familiar",
                },
                "origin": {"name": "Familiar"},
            }
            if what != "count":
                config["json_attributes_topic"] = self._topic(camera, what)
            connection.publish(f"{self._its.discovery}/sensor/{node}/{what}/config", config, retain=True)
        self._discovered.add(camera)


_SENSORS: Mapping[str, Json] = {
    "person": {
        "name": "Last person", "icon": "mdi:account",
        "value_template": "{{ value_json.person.name if value_json.person else none }}",
    },
    "unknown": {
        "name": "Last unknown", "icon": "mdi:account-question", "device_class": "timestamp",
        "value_template": "{{ value_json.at if value_json.at else none }}",
    },
    "count": {"name": "Visits today", "icon": "mdi:counter", "state_class": "total_increasing"},
}  # fmt: skip


class _Connection:
    """A connection to a broker; it ends with the first thing that goes wrong, and another one takes its place."""

    def __init__(self, its: Broker, tls: ssl.SSLContext | None, status: str) -> None:
        """Connect.

        Raises:
            OSError, ValueError: that did not work.
        """
        self._lost = threading.Event()
        self._let_in: list[str | None] = []
        self._answered = threading.Event()
        # The same for all of us that tell this broker: one that was taken for dead, and is not, is put out by it.
        name = sha256(f"{its.topic} {its.name}".encode()).hexdigest()[:14]
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"familiar-{name}", reconnect_on_failure=False
        )
        self._client.connect_timeout = its.deadline_s
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.will_set(status, _OFFLINE, _AT_LEAST_ONCE, retain=True)
        if its.user is not None:
            self._client.username_pw_set(its.user, its.password)
        if tls is not None:
            self._client.tls_set_context(tls)
        try:
            self._client.connect(its.host, its.port, _KEEPALIVE_S)
            self._client.loop_start()
            if not self._answered.wait(its.deadline_s):
                raise TimeoutError(f"no answer within {its.deadline_s:g} s")
            if not self._let_in:
                raise ConnectionError("the broker hung up at once: it has to take last wills and retained messages")
            if self._let_in[0] is not None:
                raise ConnectionRefusedError(f"the broker says: {self._let_in[0]}")
            self.wait_for(self.publish(status, _ONLINE, retain=True), time.monotonic() + its.deadline_s)
        except BaseException:
            self.close()
            raise

    @property
    def is_lost(self) -> bool:
        """Whether it has ended by itself."""
        return self._lost.is_set()

    def publish(self, topic: str, body: object, *, retain: bool = False) -> paho.MQTTMessageInfo:
        """Publish, and return what tells when that has arrived; None takes away what is shown.

        Raises:
            OSError: it cannot be handed over.
        """
        if body is None:
            text = ""
        else:
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        info = self._client.publish(topic, text.encode(), _AT_LEAST_ONCE, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError(f"the connection broke (code {int(info.rc)})")
        return info

    def wait_for(self, info: paho.MQTTMessageInfo, deadline: float) -> None:
        """Return when the broker has confirmed what was published.

        Raises:
            OSError: it has not, and will not.
        """
        while not info.is_published():
            if self.is_lost:
                raise ConnectionError("the connection broke")
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the broker confirms nothing")
            try:
                info.wait_for_publish(min(left_s, _LOOK_S))
            except RuntimeError as exc:
                raise ConnectionError("the connection broke") from exc

    def say_goodbye(self, status: str, within_s: float) -> None:
        """Say that nobody is here any more, if anybody listens."""
        try:
            self.wait_for(self.publish(status, _OFFLINE, retain=True), time.monotonic() + within_s)
        except (OSError, ValueError):
            return

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_disconnect(self, *_: object) -> None:
        self._lost.set()
        self._answered.set()

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        self._let_in.append(str(reason) if reason.is_failure else None)
        self._answered.set()


def slug(camera: str) -> str:
    """Return a camera's name as topics and Home Assistant take it; two names never become the same."""
    if not camera:
        return NO_CAMERA
    if _PLAIN.fullmatch(camera) and camera != NO_CAMERA:
        return camera
    plain = re.sub(r"[^a-z0-9]+", "-", camera.lower()).strip("-")[:30]
    return f"{plain or 'camera'}-{sha256(camera.encode()).hexdigest()[:8]}"


def _why(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLError):
        return f"TLS failed ({exc.reason or type(exc).__name__})"
    if isinstance(exc, ConnectionError | TimeoutError) and exc.errno is None and exc.args:
        return str(exc)
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return f"it cannot be reached ({type(exc).__name__})"
