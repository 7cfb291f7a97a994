"""The collaborators of the gateway, built once and handed to whoever needs them."""

import os
from dataclasses import dataclass, replace

from familiar.queueing import TrainingQueue
from familiar.records import Database
from familiar.seeing import ENROLMENT, Decoder, ImageLimits, Observer, SlowLane, detectors
from familiar.serving import Models, ServingClient
from familiar.settings import Settings
from familiar_gateway.enrolling import Capturer, Streams
from familiar_gateway.operating import Inbox, Metrics, Queue, Readiness, Serving
from familiar_gateway.recognizing import Recognizer

_LEAST_THREADS, _MOST_THREADS = 4, 16
# Each looks into the database four times a second.
_MOST_STREAMS = 8


@dataclass(frozen=True)
class Services:
    """Everything a request may need."""

    settings: Settings
    database: Database
    queue: Queue
    inbox: Inbox
    serving: Serving
    models: Models
    decoder: Decoder
    recognizer: Recognizer
    capturer: Capturer
    readiness: Readiness
    metrics: Metrics
    streams: Streams


def build(settings: Settings) -> Services:
    """Return the real collaborators that ``settings`` name; nothing is connected to yet.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    return assemble(
        settings,
        database=Database(settings.database_url),
        queue=TrainingQueue.at(settings.redis_url, settings.redis_timeout_s),
        serving=ServingClient(settings.serving_addr, timeout_s=settings.serving_timeout_s),
        observer=Observer(detectors.create(settings.detector, settings.search_pixels)),
    )


def assemble(settings: Settings, *, database: Database, queue: Queue, serving: Serving, observer: Observer) -> Services:
    """Wire given collaborators together."""
    settings = replace(settings, threads=settings.threads or _fitting_threads())
    models = Models(serving)
    inbox = Inbox(queue)
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
    decoder = Decoder(limits, SlowLane.beside(settings.threads))
    return Services(
        settings=settings,
        database=database,
        queue=queue,
        inbox=inbox,
        serving=serving,
        models=models,
        decoder=decoder,
        recognizer=Recognizer(decoder, observer, models, database, settings.max_faces),
        capturer=Capturer(decoder, Observer(observer.detector, ENROLMENT), models, database, inbox, settings),
        readiness=Readiness(database, queue, serving, models),
        metrics=Metrics(database, queue),
        streams=Streams(most=_MOST_STREAMS),
    )


def _fitting_threads() -> int:
    """Return for how many pictures at once there are cores; more would only keep each other from being answered."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(2 * cores, _LEAST_THREADS), _MOST_THREADS)
