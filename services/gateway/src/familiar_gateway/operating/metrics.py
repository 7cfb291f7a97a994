"""Metrics for Prometheus: what requests cost, what faces turned out to be, how full queue and disks are."""

import os
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.queueing import WorkerState
from familiar.reason import Reason
from familiar.records import Database, deliveries, erasures, trainings, versions
from familiar_gateway.operating import disks
from familiar_gateway.operating.ports import Queue

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
_BY_WEIGHT = ("known", "unknown", "rejected")
_NO_FACE = "no_face"
_BUCKETS_S = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process; with several, a scrape of any of them adds up all."""

    def __init__(self, database: Database, queue: Queue) -> None:
        """Ask database and queue at a scrape."""
        self._registry = CollectorRegistry()
        self._state = _State(database, queue)
        self._requests = Histogram(
            "familiar_request_seconds",
            "Time to answer, by route and status code",
            ("method", "route", "code"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._faces = Counter(
            "familiar_faces", "Faces answered for, by what they turned out to be", ("status",), registry=self._registry
        )
        self._recognitions = Counter(
            "familiar_recognitions",
            "Pictures answered for: whether somebody known was on them, else unknown, else rejected, else no_face",
            ("result",),
            registry=self._registry,
        )
        self._rejected = Counter(
            "familiar_rejected_faces",
            "Faces that were too bad to ask about, by the first reason",
            ("reason",),
            registry=self._registry,
        )
        # From the start, so that the first one is seen as a rise.
        for result in (*_BY_WEIGHT, _NO_FACE):
            self._recognitions.labels(result)
        for reason in Reason:
            self._rejected.labels(reason.value)
        self._frames = Counter(
            "familiar_enrollment_frames", "Frames judged for enrolments", ("verdict",), registry=self._registry
        )
        self._sightings = Counter(
            "familiar_sightings",
            "Recognised faces by what became of them where sightings are kept or events told: kept, or left out",
            ("result",),
            registry=self._registry,
        )
        self._stages = Histogram(
            "familiar_recognition_stage_seconds",
            "Time of each stage of a recognition",
            ("stage",),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    def count_request(self, method: str, route: str, code: int, seconds: float) -> None:
        """Record a request; ``route`` is the rule that matched, never the path, so that labels stay few."""
        self._requests.labels(method, route, str(code)).observe(seconds)

    def count_recognition(
        self, statuses: Sequence[str], reasons: Sequence[str], timings_ms: Mapping[str, float]
    ) -> None:
        """Record what a picture's faces turned out to be, why some were rejected, and what each stage cost."""
        self._recognitions.labels(next((each for each in _BY_WEIGHT if each in statuses), _NO_FACE)).inc()
        for status in statuses:
            self._faces.labels(status).inc()
        for reason in reasons:
            self._rejected.labels(reason).inc()
        for stage, milliseconds in timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def count_frames(self, verdicts: Sequence[str]) -> None:
        """Record the verdicts of an enrolment's frames: ``accepted`` or the first reason."""
        for verdict in verdicts:
            self._frames.labels(verdict).inc()

    def count_sightings(self, result: str, faces: int) -> None:
        """Record that so many faces were ``kept``, written down, or left out (``no_room``, ``failed``)."""
        self._sightings.labels(result).inc(faces)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        shared = self._registry
        if MULTIPROCESS_DIR in os.environ:
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(self._state)
        return generate_latest(shared) + generate_latest(state)


class _State(Collector):
    """What is asked at the moment of the scrape; a part that is away is left out, and said to be."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Say nothing in advance, so that registering asks nobody."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask the queue and the database."""
        up = GaugeMetricFamily("familiar_part_up", "Whether a part answers the gateway", labels=("part",))
        depth = GaugeMetricFamily("familiar_queue_trainings", "Trainings on the queue", labels=("state",))
        workers: Sequence[WorkerState] = ()
        try:
            state, workers = self._queue.state(), self._queue.workers()
            for name in ("waiting", "running", "failed"):
                depth.add_metric([name], getattr(state, name))
            up.add_metric(["queue"], 1)
        except FamiliarError:
            up.add_metric(["queue"], 0)
        live = GaugeMetricFamily("familiar_head_version", "Version of the head that is in service")
        people = GaugeMetricFamily("familiar_head_people", "People whom the head in service knows")
        oldest = GaugeMetricFamily("familiar_queue_oldest_seconds", "Age of the oldest training that has not ended")
        destinations: list[Metric] = []
        erasing = GaugeMetricFamily("familiar_erasures_open", "Deletions of which there are traces yet")
        try:
            with self._database.read() as session:
                head = versions.live_head(session)
                erasing.add_metric([], len(erasures.open_ones(session)))
                oldest.add_metric([], trainings.longest_open_s(session))
                destinations = _destinations(session)
            if head is not None:
                live.add_metric([], head.version)
                people.add_metric([], versions.people_of(head))
            up.add_metric(["database"], 1)
        except FamiliarError:
            up.add_metric(["database"], 0)
        free = GaugeMetricFamily("familiar_disk_free_bytes", "Room on the disk of what is kept", labels=("disk",))
        size = GaugeMetricFamily("familiar_disk_size_bytes", "Size of that disk", labels=("disk",))
        for name, disk in disks.known(self._database, workers):
            if disk.free_bytes is not None and disk.size_bytes is not None:
                free.add_metric([name], disk.free_bytes)
                size.add_metric([name], disk.size_bytes)
        yield from (up, depth, oldest, live, people, erasing, free, size, *destinations)


def _destinations(session: Session) -> list[Metric]:
    """Return how far those have been told who are told of events."""
    by = ("destination",)
    waiting = GaugeMetricFamily("familiar_events_waiting", "Events that a destination was not told of yet", labels=by)
    taken = GaugeMetricFamily("familiar_events_taken", "Whether a destination took what it was told last", labels=by)
    told = CounterMetricFamily("familiar_events_told", "Events that a destination was told of", labels=by)
    dropped = CounterMetricFamily(
        "familiar_events_dropped", "Events that were pruned before a destination was told of them", labels=by
    )
    for each in deliveries.all_of(session):
        waiting.add_metric([each.name], deliveries.backlog(session, each))
        taken.add_metric([each.name], each.problem is None)
        told.add_metric([each.name], each.delivered)
        dropped.add_metric([each.name], each.dropped)
    return [waiting, taken, told, dropped]
