"""Capture: frames of one person come in, are judged, and the good ones are kept to learn from."""

import contextlib
import functools
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from familiar.errors import Conflict, DatabaseUnavailable, InvalidInput, ServingUnavailable, Unavailable
from familiar.knowing import Float32, is_near_copy
from familiar.reason import Reason
from familiar.records import (
    Action,
    Capture,
    Database,
    Enrollment,
    IfKnown,
    Terms,
    audit,
    captures,
    clean,
    corrections,
    enrollments,
    people,
    samples,
    versions,
)
from familiar.seeing import CROP_PX, Box, Decoder, Observer, align, decode, encode_jpeg, resize
from familiar.servable import MAX_BATCH
from familiar.serving import Models
from familiar.settings import Settings
from familiar_gateway.enrolling.doubts import Answers, Doubts, Settled
from familiar_gateway.enrolling.frames import CutOff, SeenFace, Shot, Verdict, Verdicts
from familiar_gateway.operating import Inbox
from familiar_gateway.people import require_free_name

log = logging.getLogger(__name__)

_MOST_LOOKS = 5
"""So often a capture is looked at anew because more has come meanwhile."""
FEW_FRAMES = 10
"""As many as a client that captures live sends at once; more of them take the slow lane."""
Also = Callable[[Session, Enrollment], None]
"""What else is to be done when a capture is closed, in the same transaction."""


@dataclass(frozen=True)
class _Judged:
    """A frame looked at, without its pixels: why it was refused, or what to keep of it.

    ``captured_at`` is None for one that was taken just now.
    """

    digest: str
    reasons: tuple[str, ...]
    quality: dict[str, float] | None = None
    chip: NDArray[np.uint8] | None = None
    crop: bytes = b""
    captured_at: float | None = None


class Capturer:
    """Adds frames to enrolments and brings captures to an end."""

    def __init__(
        self, decoder: Decoder, observer: Observer, models: Models, database: Database, inbox: Inbox, settings: Settings
    ) -> None:
        self._decoder = decoder
        self._observer = observer
        self._models = models
        self._database = database
        self._inbox = inbox
        self._settings = settings
        self._doubts = Doubts(models, database, decoder.limits, settings.far_target)

    def add(self, enrollment_id: str, shots: Iterable[Shot], deadline: float | None = None) -> Verdicts:
        """Judge frames in their order and keep the good ones; a frame sent again gets the same verdict again.

        Frames that cannot be decoded get a verdict beside others; if none of them can, nothing is recorded. More than a
        few frames take the slow lane, and ``settings.upload_time_s`` at most, or until ``deadline``, by the monotonic
        clock: what comes after that is not looked at.

        Raises:
            NotFound, Conflict: there is no such enrolment, or it takes no more frames.
            InvalidInput: not one of the frames is a picture.
            Unavailable: a part is away; what was answered so far is kept, and all may be sent again.
        """
        backbone_version = self._backbone_version(enrollment_id)
        chip_px = self._models.backbone(backbone_version).input_px
        verdicts = Verdicts()
        pending: list[_Judged] = []
        first_error: InvalidInput | None = None
        readable = 0
        with contextlib.ExitStack() as slowly:
            for count, shot in enumerate(self._in_time(shots, verdicts, deadline or self.deadline())):
                if count >= self._settings.enroll_max_frames:
                    raise self._full()
                if count == FEW_FRAMES:
                    slowly.enter_context(self._decoder.lane.enter())
                try:
                    pending.append(self._judge(shot, chip_px))
                    readable += 1
                except InvalidInput as exc:
                    first_error = first_error or exc
                    pending.append(_Judged(shot.digest, (exc.code,)))
                if readable and len(pending) >= MAX_BATCH:
                    verdicts += self._keep(enrollment_id, pending, backbone_version)
                    pending = []
        if first_error is not None and not readable:
            raise first_error
        verdicts += self._keep(enrollment_id, pending, backbone_version)
        return verdicts

    def deadline(self) -> float:
        """Return until when a request that begins now may have frames looked at, by the monotonic clock."""
        return time.monotonic() + self._settings.upload_time_s

    def boxes(self, data: bytes) -> list[Box]:
        """Return where the faces of a picture are that one may choose among, by their indexes."""
        with self._decoder.frame(data) as frame:
            return [face.box for face in self._observer.faces(frame)]

    def add_seen(self, enrollment_id: str, faces: Sequence[SeenFace]) -> Verdicts:
        """Judge faces that were cut out before as frames are judged, and keep the good ones.

        Raises:
            NotFound, Conflict: there is no such enrolment, or it takes no more frames.
            Unavailable: a part is away.
        """
        backbone_version = self._backbone_version(enrollment_id)
        chip_px = self._models.backbone(backbone_version).input_px
        verdicts = Verdicts()
        for start in range(0, len(faces), MAX_BATCH):
            judged = [self._judge_seen(face, chip_px) for face in faces[start : start + MAX_BATCH]]
            verdicts += self._keep(enrollment_id, judged, backbone_version)
        return verdicts

    def _judge_seen(self, face: SeenFace, chip_px: int) -> _Judged:
        digest, quality = hashlib.sha256(face.crop).hexdigest(), face.quality.to_dict()
        reasons = tuple(reason.value for reason in face.quality.reasons(self._observer.limits))
        if reasons:
            return _Judged(digest, reasons, quality)
        chip = resize(decode(face.crop, self._decoder.limits), chip_px)
        return _Judged(digest, (), quality, chip, face.crop, face.captured_at)

    def _in_time(self, shots: Iterable[Shot], verdicts: Verdicts, deadline: float) -> Iterator[Shot]:
        """Yield the shots there is time for, one at least; note on ``verdicts`` if these were not all."""
        try:
            for count, shot in enumerate(self._decoder.in_turns(shots)):
                if count and time.monotonic() >= deadline:
                    raise CutOff
                yield shot
        except CutOff:
            verdicts.cut_off = True

    def recall(self, enrollment_id: str) -> list[Verdict]:
        """Return what was said of each frame so far."""
        with self._database.read() as session:
            said = enrollments.verdicts(session, enrollment_id).values()
        return [Verdict(row.position, tuple(row.reasons)) for row in sorted(said, key=lambda row: row.position)]

    def finish(
        self,
        enrollment_id: str,
        author: audit.Author,
        answers: Answers,
        *,
        also: Also = lambda *_: None,
        least: int | None = None,
    ) -> None:
        """End a capture and have it learned, in the name of its author; ending it again changes nothing.

        ``also`` is done with it, or neither is. A person is learned from ``least`` samples, or
        ``settings.enroll_min_samples`` if that is None.

        Raises:
            NotFound: there is no such enrolment.
            Conflict: too few samples (``too_few_samples``), or somebody else was enrolled under the name meanwhile.
            AlreadyKnown, NotAlike: there is a doubt, and ``answers`` do not say what to do then.
            Unavailable: a part is away; the capture stays open.
        """
        for look in range(1, _MOST_LOOKS + 1):
            with self._database.read() as session:
                state = captures.get(session, enrollment_id)
            if not state.status.takes_frames:
                training_id = state.training_id
                break
            # If it may be somebody already known, it is enough for them, or not, when that is settled.
            self._require_enough(state, None if answers.if_known is IfKnown.ADD else state.person_id, least)
            settled = self._doubts.settle(state, answers)
            self._require_enough(state, settled.person_id or state.person_id, least, len(settled.left_out))
            # If others are faster all the time, the training judges them; see docs/adr/0014.
            closing = functools.partial(
                _close, enrollment_id=enrollment_id, settled=settled, surely=look == _MOST_LOOKS,
                terms=Terms(author, self._settings.correction_undo_s), also=also,
            )  # fmt: skip
            with contextlib.suppress(_Outdated):
                training_id = self._database.retry(closing)
                if settled.left_out:
                    with contextlib.suppress(DatabaseUnavailable):
                        clean(self._database)  # what cannot be cleaned now, the trainer cleans
                break
        if training_id is not None and not (state.stage and state.stage.ended):
            self._inbox.put(training_id)

    def _backbone_version(self, enrollment_id: str) -> int:
        with self._database.read() as session:
            enrollments.require_capturing(enrollments.get(session, enrollment_id))
            live = versions.live_head(session)
        if live is None:
            raise ServingUnavailable("no head is in service yet", code="model_not_ready")
        return live.backbone_version

    def _judge(self, shot: Shot, chip_px: int) -> _Judged:
        with shot.unpack() as frame:
            seen, reasons = self._observer.observe_one(frame, chip_px, shot.choice)
            if seen is None or reasons:
                return _Judged(shot.digest, reasons, None if seen is None else seen.quality.to_dict())
            crop = encode_jpeg(align(frame, seen.face.landmarks, CROP_PX))
        return _Judged(shot.digest, (), seen.quality.to_dict(), seen.chip, crop)

    def _keep(self, enrollment_id: str, judged: Sequence[_Judged], backbone_version: int) -> list[Verdict]:
        """Embed what is good, then record all in one transaction."""
        if not judged:
            return []
        chips = [item.chip for item in judged if item.chip is not None]
        vectors = self._models.embed(np.stack(chips), backbone_version) if chips else np.zeros((0, 0), np.float32)
        return self._database.retry(
            lambda session: self._record(session, enrollment_id, judged, vectors, backbone_version)
        )

    def _record(
        self, session: Session, enrollment_id: str, judged: Sequence[_Judged], vectors: Float32, backbone_version: int
    ) -> list[Verdict]:
        enrollment = enrollments.get(session, enrollment_id, lock=True)
        enrollments.require_capturing(enrollment)
        live = versions.live_head(session)
        if live is not None and live.backbone_version != backbone_version:
            raise Unavailable("the backbone was replaced at this moment; send the frames again", code="models_changing")
        kept = samples.vectors(session, enrollment_id, backbone_version)
        said = enrollments.verdicts(session, enrollment_id)
        rows = iter(vectors)
        verdicts = []
        for item in judged:
            vector = next(rows) if item.chip is not None else None
            earlier = said.get(item.digest)
            if earlier is not None:
                verdicts.append(Verdict(earlier.position, tuple(earlier.reasons), item.quality))
                continue
            if len(said) >= self._settings.enroll_max_frames:
                raise self._full()
            reasons = item.reasons
            if vector is not None and is_near_copy(vector, kept, self._settings.near_copy_cosine):
                reasons = (Reason.NEAR_COPY.value,)
            row = said[item.digest] = enrollments.add_verdict(session, enrollment, item.digest, reasons)
            if vector is not None and not reasons:
                samples.add(
                    session, enrollment, row, crop=item.crop, vector=vector, backbone_version=backbone_version,
                    detector=self._observer.detector.name, quality=item.quality or {}, captured_at=item.captured_at,
                )  # fmt: skip
                kept = np.vstack([kept.reshape(-1, len(vector)), vector])
            verdicts.append(Verdict(row.position, tuple(row.reasons), item.quality))
        return verdicts

    def _require_enough(self, state: Capture, person_id: str | None, least: int | None, left_out: int = 0) -> None:
        """Check that with this capture there is enough to learn the person from; of anybody, that there is anything."""
        accepted, needed = state.accepted - left_out, 1
        if person_id is not None:
            with self._database.read() as session:
                there = samples.count_to_learn_from(session, person_id)
            needed = max(1, (least or self._settings.enroll_min_samples) - there)
        if accepted < needed:
            refused = state.refused + Counter({Reason.NOT_ALIKE.value: left_out})  # which drops what is 0
            raise Conflict(
                f"{accepted} of {state.received} frames could be kept; at least {needed} are needed",
                code="too_few_samples",
                accepted=accepted,
                received=state.received,
                needed=needed,
                refused=dict(refused),
                enrollment_id=state.id,
            )

    def _full(self) -> Conflict:
        most = self._settings.enroll_max_frames
        return Conflict(f"an enrolment takes {most} frames at most", code="capture_full", max_frames=most)


class _Outdated(Exception):
    """Frames came, or another capture was closed, after a capture had been looked at."""


def _close(
    session: Session, enrollment_id: str, settled: Settled, terms: Terms, *, surely: bool, also: Also
) -> str | None:
    """Close a capture as it was ``settled`` and return its training.

    Raises:
        _Outdated: not all frames were looked at and compared with everybody, and it is not to be closed ``surely``.
    """
    versions.take_turns(session)  # of two who come at once, the second one finds the first
    enrollment = enrollments.get(session, enrollment_id, lock=True)
    if enrollment.training_id is not None:  # somebody else has finished it meanwhile
        return enrollment.training_id
    came = {each.id for each in enrollments.queued(session)} - settled.compared
    if not surely and (came or samples.positions(session, enrollment_id) != settled.frames):
        raise _Outdated
    if settled.left_out:
        captures.leave_out(session, enrollment, settled.left_out, Reason.NOT_ALIKE)
    if settled.person_id is not None:
        enrollments.give_to(session, enrollment, people.get(session, settled.person_id))
    person = people.get(session, enrollment.person_id)
    if not (person.enrolled or person.shares_name):
        require_free_name(session, person.name, enrollment_id=enrollment_id)  # it was, when the capture was opened
    audit.note(session, terms.author, Action.PERSON_ENROLLED, person.id)
    if person.enrolled:
        corrections.added(session, enrollment, terms)
    also(session, enrollment)
    return enrollments.close(session, enrollment).id
