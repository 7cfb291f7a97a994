"""The front: which request waits in which lane, so that nobody who looks is held up by those who send pictures."""

import logging
import sys

from flask import Flask
from werkzeug.exceptions import HTTPException

from familiar.settings import Settings
from familiar_gateway import app, server, services, translating, web
from familiar_gateway.memory import advise_allocator
from familiar_gateway.services import Services

LIMITS = server.Limits()

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_READERS, _MOST_PART_ASKERS, _MOST_LATE_STREAMS, _MOST_AT_THE_DOOR = 64, 16, 8, 64
_FILMS_WAIT_S = 60.0
# The loop that serves all connections takes turns with the threads; by default it might wait 5 ms for each of them.
_TURN_S = 0.001


class Lanes:
    """The lanes of the application: each waits for its own kind only."""

    def __init__(self, application: Flask, its: Services) -> None:
        threads, queue = its.threads, its.settings.queue
        pictures = server.Lane(threads=threads.pictures, waiting=queue)
        films = server.Lane(threads=threads.films, waiting=queue, wait_s=_FILMS_WAIT_S)
        streams = server.Lane(threads=threads.streaming, waiting=_MOST_LATE_STREAMS)
        parts = server.Lane(threads=threads.asking_parts, waiting=_MOST_PART_ASKERS)
        alive = server.Lane(threads=0, waiting=0)
        small, image = app.SMALL_BODY_BYTES, web.pictures.most_bytes(its.settings.max_image_bytes)
        self._application = application
        self._addresses = application.url_map.bind("localhost")
        self._of = {
            "recognition.recognize": (pictures, image),
            "recognition.detect": (pictures, image),
            "recognition.verify": (pictures, image),
            "search.search": (pictures, image),
            "photos.add_picture": (films, its.settings.max_image_bytes),
            "enrollments.enroll": (films, its.settings.max_body_bytes),
            "enrollments.add_frames": (pictures, its.settings.max_body_bytes),
            "enrollments.stream": (streams, small),
            "events.follow": (streams, small),
            **dict.fromkeys(translating.WITH_PICTURES, (pictures, image)),
            "health.ready": (parts, small),
            "health.metrics": (parts, small),
            "system.show": (parts, small),
            "health.alive": (alive, small),
        }
        self._reading = server.Lane(threads=threads.looking, waiting=_MOST_READERS), small
        self._changing = server.Lane(threads=threads.changing, waiting=queue), small

    def of(self, method: str, path: str) -> tuple[server.Lane, int]:
        """Return the lane for a request, and the most bytes that are read of its body."""
        try:
            endpoint, _ = self._addresses.match(path, method)
        except HTTPException:
            endpoint = ""
        lane, most_bytes = self._of.get(endpoint) or (self._reading if method in _READING else self._changing)
        if method == "OPTIONS" or (endpoint and not web.doors.asked_of(self._application, endpoint)):
            most_bytes = min(most_bytes, server.SHORT_BYTES)  # whoever may ask without a key sends no more than that
        return lane, most_bytes


def before(application: Flask, its: Services, limits: server.Limits = LIMITS) -> server.Intake:
    """Return what takes requests in for an application with these collaborators."""
    return server.Intake(
        application,
        lane_of=Lanes(application, its).of,
        # One that waits beside one that is read: a form is taken apart into files of its own.
        room=server.Room(2 * its.settings.max_body_bytes),
        limits=limits,
        note=app.noting(its.metrics),
        stopping=its.streams.stopping,
        certificate=server.Certificate(its.settings.certificate_file) if its.settings.https else None,
        door=server.Lane(threads=its.threads.letting_in, waiting=_MOST_AT_THE_DOOR),
    )


def begin_to_log(settings: Settings) -> None:
    """Have this process write its log."""
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")


def from_env() -> server.Intake:
    """Return the gateway as the environment describes it; each process of the server begins here.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    server.end_with_parent()
    advise_allocator()
    sys.setswitchinterval(_TURN_S)
    settings = Settings.from_env()
    begin_to_log(settings)
    its = services.build(settings)
    return before(app.create_app(its), its)
