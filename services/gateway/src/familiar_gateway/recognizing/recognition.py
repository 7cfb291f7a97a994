"""Recognition: from a picture to who is on it, in the words of the one head version that answered."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidInput, ModelNotFound, ServingRejected, ServingUnavailable
from familiar.knowing import Decision, Float32, decision, is_sure, normalise
from familiar.records import Database, Known, people
from familiar.seeing import Decoder, Observation, Observations, Observer
from familiar.serving import HeadAnswer, Models

_ATTEMPTS = 3


@dataclass
class Stopwatch:
    """How long each stage took, in milliseconds; a stage that is entered twice counts both times."""

    stages_ms: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + (time.perf_counter() - start) * 1000


@dataclass(frozen=True)
class RecognizedFace:
    """One face, what was seen of it, and what is said of it.

    ``embedding`` is the float32[D] that the head was asked about, by the backbone of that head; None if it was not.
    """

    observation: Observation
    decision: Decision
    embedding: Float32 | None = None


@dataclass(frozen=True)
class Asked:
    """What was seen of each picture, and what one head says of all the good faces.

    ``embeddings`` float32[N, D] and ``answer`` have a row for each of the good ones.
    """

    seen: Sequence[Observations]
    answer: HeadAnswer
    embeddings: Float32


@dataclass(frozen=True)
class Recognition:
    """The answer for one picture.

    Attributes:
        faces: those answered for, the largest first.
        faces_found: how many there are in all.
        names: of the people that the decisions speak of.
    """

    head_version: int
    backbone_version: int
    threshold: float
    faces: tuple[RecognizedFace, ...]
    faces_found: int
    names: Mapping[str, str]
    timings_ms: Mapping[str, float]

    @classmethod
    def of(
        cls,
        answer: HeadAnswer,
        faces: Sequence[RecognizedFace],
        faces_found: int,
        meant: Mapping[str, Known],
        watch: Stopwatch,
    ) -> Self:
        """Put together what a head said and what it was said of; ``meant`` is who its labels mean."""
        return cls(
            head_version=answer.version,
            backbone_version=answer.meta.backbone_version,
            threshold=answer.meta.threshold,
            faces=tuple(faces),
            faces_found=faces_found,
            names=dict(meant.values()),
            timings_ms=watch.stages_ms,
        )


class BackboneInUse:
    """The backbone version that the head in service was trained for, remembered until a head names another one."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._version: int | None = None
        self._lock = threading.Lock()

    def version(self) -> int:
        """Return the version, asked of the newest head if none is known."""
        with self._lock:
            known = self._version
        return self.renew() if known is None else known

    def renew(self) -> int:
        """Ask the newest head which version it was trained for."""
        return self.follow(self._models.newest_head().meta.backbone_version)

    def follow(self, version: int) -> int:
        """Remember the version that a head named when it answered."""
        with self._lock:
            self._version = version
        return version


class Recognizer:
    """Finds the faces of a picture and asks who they are.

    Attributes:
        decoder: unpacks pictures.
        models: what is asked.
    """

    def __init__(
        self, decoder: Decoder, observer: Observer, models: Models, database: Database, max_faces: int
    ) -> None:
        self.decoder = decoder
        self._observer = observer
        self.models = models
        self._database = database
        self._max_faces = max_faces
        self._backbone = BackboneInUse(models)

    def recognize(self, data: bytes) -> Recognition:
        """Return who is on the picture ``data``.

        Raises:
            InvalidImage, TooLarge: the picture cannot be used.
            Unavailable: a part is away; nobody is named then.
        """
        watch = Stopwatch()
        with watch.stage("total"):
            asked = self.ask([data], self._max_faces, watch)
            (faces,), answer = asked.seen, asked.answer
            with watch.stage("decide"):
                meant = self.meant(answer)
                decisions = decide_each(faces, answer, meant)
        rows = iter(asked.embeddings)
        recognized = [
            RecognizedFace(face, made, None if face.reasons else next(rows))
            for face, made in zip(faces, decisions, strict=True)
        ]
        return Recognition.of(answer, recognized, faces.found, meant, watch)

    def detect(self, data: bytes) -> tuple[Observations, Mapping[str, float]]:
        """Return all faces of a picture, nobody of whom is asked for, and how long each stage took in milliseconds.

        Raises as ``recognize`` does.
        """
        watch = Stopwatch()
        with watch.stage("total"):
            _, (faces,) = self.see([data], self._max_faces, watch)
        return faces, watch.stages_ms

    def ask(self, pictures: Sequence[bytes], max_faces: int, watch: Stopwatch) -> Asked:
        """Ask about the largest ``max_faces`` faces of each picture, by the backbone that the head was trained for.

        Raises as ``recognize`` does.
        """
        for _ in range(_ATTEMPTS):
            version, seen = self.see(pictures, max_faces, watch)
            chips = [face.chip for faces in seen for face in faces if not face.reasons]
            try:
                # Several frames are decided together, by the mean of their scores: no glance at one of them is sure.
                answer, embeddings = self._identify(chips, version, len(pictures) == 1, watch)
            except (ModelNotFound, ServingRejected):
                # Perhaps the backbone was replaced: it is gone, or the head wants embeddings of another length.
                if self._backbone.renew() == version:
                    raise
                continue
            if answer.meta.backbone_version == version:
                return Asked(seen, answer, embeddings)
            self._backbone.follow(answer.meta.backbone_version)
        raise ServingUnavailable("the models are being replaced; no head and backbone that fit answered together")

    def _identify(
        self, chips: Sequence[NDArray[np.uint8]], version: int, may_glance: bool, watch: Stopwatch
    ) -> tuple[HeadAnswer, Float32]:
        """Return what one head says of ``chips``, and their embeddings.

        ``may_glance`` leaves a mirror image out where it changes nothing.
        """
        faces = np.asarray(chips, np.uint8)
        margin = self.models.backbone(version).glance_margin if may_glance else None
        with watch.stage("embed"):
            embeddings = (self.models.embed if margin is None else self.models.glance)(faces, version)
        glanced = np.full(len(faces), margin is not None)
        while True:
            with watch.stage("identify"):
                answer = self.models.identify(embeddings)
            # Of all glances again, since another head may have answered than before.
            doubtful = glanced & ~_sure(answer, margin)
            if not doubtful.any() or answer.meta.backbone_version != version:
                return answer, embeddings
            with watch.stage("embed"):
                mirrored = self.models.glance(faces[doubtful, :, ::-1], version)
                embeddings[doubtful] = normalise(embeddings[doubtful] + mirrored)
            glanced &= ~doubtful

    def meant(self, answer: HeadAnswer) -> dict[str, Known]:
        """Return who is meant by the label of each candidate, if anybody who is enrolled at this moment is."""
        candidates = {answer.labels[position] for position in answer.index.ravel().tolist() if position >= 0}
        with self._database.read() as session:
            return people.meant(session, candidates)

    def see(self, pictures: Sequence[bytes], max_faces: int, watch: Stopwatch) -> tuple[int, list[Observations]]:
        """Return the backbone version in use and the largest faces of each picture, cut out for it.

        Raises as ``recognize`` does.
        """
        version = chip_px = 0
        outlines = []
        seen: list[Observations] = []
        for position, data in enumerate(pictures):
            # First of all, so that what is no picture is refused as such whatever else is away.
            with watch.stage("decode"), _telling_which(position, len(pictures)):
                outlines.append(self.decoder.look_over(data))
        with self.decoder.together(outlines):
            for position, picture in enumerate(outlines):
                with contextlib.ExitStack() as held:
                    with watch.stage("decode"), _telling_which(position, len(pictures)):
                        frame = held.enter_context(self.decoder.unpacked(picture))
                    if not seen:
                        version, chip_px = self._chips()
                    with watch.stage("detect"):
                        seen.append(self._observer.observe(frame, chip_px, max_faces))
        return version, seen

    def _chips(self) -> tuple[int, int]:
        """Return the backbone version in use and the size of its chips in pixels."""
        version = self._backbone.version()
        try:
            return version, self.models.backbone(version).input_px
        except ModelNotFound:
            version = self._backbone.renew()
            return version, self.models.backbone(version).input_px


def _sure(answer: HeadAnswer, margin: float | None) -> NDArray[np.bool_]:
    """Return bool[N]: of which faces a closer look, by ``margin`` of a score at most, would say the same."""
    # A head that is not calibrated has other thresholds than the one it states.
    threshold = answer.meta.threshold if answer.meta.metrics.get("calibrated") is True else np.nan
    return is_sure(answer.index, answer.score, answer.known, threshold, np.nan if margin is None else margin)


def decide_each(faces: Sequence[Observation], answer: HeadAnswer, meant: Mapping[str, Known]) -> list[Decision]:
    """Return what is said of each face; ``answer`` has a row for each of the good ones."""
    enrolled = {label: person.id for label, person in meant.items()}
    rows = iter(zip(answer.index.tolist(), answer.score.tolist(), answer.known.tolist(), strict=True))
    decisions = []
    for face in faces:
        if face.reasons:
            decisions.append(decision.REJECTED)
        else:
            index, score, known = next(rows)
            decisions.append(decision.decide(index, score, known, answer.labels, enrolled))
    return decisions


@contextlib.contextmanager
def _telling_which(position: int, count: int) -> Iterator[None]:
    """Say of a refusal which of several pictures it is about."""
    try:
        yield
    except InvalidInput as exc:
        if count > 1:
            exc.details["index"] = position
        raise
