"""The collaborators of the gateway, built once and handed to whoever needs them."""

from dataclasses import dataclass, replace

from familiar.photos import Looker
from familiar.queueing import TrainingQueue
from familiar.records import Database, Recorder
from familiar.seeing import ENROLMENT, Decoder, ImageLimits, Observer, SlowLane, detectors
from familiar.serving import Models, ServingClient
from familiar.settings import Settings
from familiar_gateway.access import Guard, Keyring, Rates, mode_of
from familiar_gateway.enrolling import Capturer
from familiar_gateway.operating import Inbox, Metrics, Queue, Readiness, Serving
from familiar_gateway.recognizing import Recognizer, Witness
from familiar_gateway.remembering import Notebook
from familiar_gateway.threads import Threads
from familiar_gateway.web import Streams


@dataclass(frozen=True)
class Services:
    """Everything a request may need."""

    settings: Settings
    threads: Threads
    database: Database
    queue: Queue
    inbox: Inbox
    serving: Serving
    models: Models
    decoder: Decoder
    recognizer: Recognizer
    witness: Witness
    capturer: Capturer
    looker: Looker
    readiness: Readiness
    metrics: Metrics
    recorder: Recorder
    streams: Streams
    keyring: Keyring
    rates: Rates
    guard: Guard


def build(settings: Settings) -> Services:
    """Return the real collaborators that ``settings`` name; nothing is connected to yet.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    return assemble(
        settings,
        database=Database(settings.database_url, connections=Threads.of(settings.threads).all),
        queue=TrainingQueue.at(settings.redis_url, settings.redis_timeout_s),
        serving=ServingClient(settings.serving_addr, timeout_s=settings.serving_timeout_s),
        observer=Observer(detectors.create(settings.detector, settings.search_pixels)),
        rates=Rates(settings.rate_limit, Rates.storage_at(settings.redis_url)),
    )


def assemble(
    settings: Settings, *, database: Database, queue: Queue, serving: Serving, observer: Observer,
    rates: Rates | None = None,
) -> Services:  # fmt: skip
    """Wire given collaborators together; without ``rates`` requests are counted here alone."""
    rates = rates or Rates(settings.rate_limit)
    keyring = Keyring(database, settings.session_s)
    threads = Threads.of(settings.threads)
    settings = replace(settings, threads=threads.pictures)
    models = Models(serving)
    inbox = Inbox(queue)
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
    decoder = Decoder(limits, SlowLane.beside(threads.pictures))
    metrics = Metrics(database, queue)
    return Services(
        settings=settings,
        threads=threads,
        database=database,
        queue=queue,
        inbox=inbox,
        serving=serving,
        models=models,
        decoder=decoder,
        recognizer=Recognizer(decoder, observer, models, database, settings.max_faces),
        witness=Notebook(settings, database, models, metrics),
        capturer=Capturer(decoder, Observer(observer.detector, ENROLMENT), models, database, inbox, settings),
        looker=Looker(decoder, observer, models, settings.max_faces),
        readiness=Readiness(database, queue, serving, models),
        metrics=metrics,
        recorder=Recorder(database, "gateway"),
        streams=Streams(most=threads.streams),
        keyring=keyring,
        rates=rates,
        guard=Guard(mode_of(settings), keyring, rates),
    )
