"""Bursts: who one person is by the evidence of several frames, in the words of one head version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from familiar.knowing import Decision, Float32, decision, evidence
from familiar.reason import Reason
from familiar.records import Known
from familiar.seeing import Observation, weigh
from familiar.serving import HeadAnswer
from familiar_gateway.recognizing.recognition import Recognition, RecognizedFace, Recognizer, Stopwatch, decide_each

MOST_FRAMES = 10


@dataclass(frozen=True)
class BurstFrame:
    """What one frame says by itself; one with ``reasons`` is rejected and does not count."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Burst:
    """The answer for several frames of one person.

    Attributes:
        recognition: what all frames say together; of one face, or of none where no frame shows any.
        frames: what each says by itself, in the order sent; "known" there may be of somebody else.
        best: position of the frame that the face is shown from, None where no frame shows any.
        looks: the face on each good frame, with what all frames say together.
    """

    recognition: Recognition
    frames: tuple[BurstFrame, ...]
    best: int | None
    looks: tuple[RecognizedFace, ...]


def recognize(recognizer: Recognizer, pictures: Sequence[bytes]) -> Burst:
    """Return who is on all ``pictures``; the largest face of each counts.

    Raises:
        InvalidImage, TooLarge: one of the pictures cannot be used; ``details`` name its ``index``.
        Unavailable: a part is away; nobody is named then.
    """
    watch = Stopwatch()
    with watch.stage("total"):
        asked = recognizer.ask(pictures, 1, watch)
        seen, answer = asked.seen, asked.answer
        with watch.stage("decide"):
            meant = recognizer.meant(answer)
            largest = [found[0] if found else None for found in seen]
            alone = iter(decide_each([face for face in largest if face], answer, meant))
            frames = tuple(BurstFrame(next(alone), face.reasons) if face else _NO_FACE for face in largest)
            best = _best(largest)
            together = _together(largest, answer, meant)
    shown = None if best is None else largest[best]
    faces = (RecognizedFace(shown, together),) if shown else ()
    faces_found = 0 if best is None else seen[best].found
    good = [face for face in largest if face and not face.reasons]
    looks = tuple(RecognizedFace(*each) for each in zip(good, [together] * len(good), asked.embeddings, strict=True))
    return Burst(Recognition.of(answer, faces, faces_found, meant, watch), frames, best, looks)


_NO_FACE = BurstFrame(decision.REJECTED, (Reason.NO_FACE,))


def _best(largest: Sequence[Observation | None]) -> int | None:
    """Return the position of the frame that counts most; of a rejected one only if all are."""
    ranks = {
        position: (not face.reasons, float(weigh([face.quality])[0])) for position, face in enumerate(largest) if face
    }
    return max(ranks, key=lambda position: ranks[position], default=None)


def _together(largest: Sequence[Observation | None], answer: HeadAnswer, meant: Mapping[str, Known]) -> Decision:
    """Return what all good frames say together; ``answer`` has a row for each of them."""
    good = [face.quality for face in largest if face and not face.reasons]
    if not good:
        return decision.REJECTED
    said = evidence.combine(answer.index, answer.score, weigh(good), least_scores(answer))
    enrolled = {label: person.id for label, person in meant.items()}
    return decision.decide(said.index.tolist(), said.score.tolist(), said.known, answer.labels, enrolled)


def least_scores(answer: HeadAnswer) -> Float32:
    """Return float32[P]: for each label a score that is certainly enough for the head to name that person.

    A calibrated head has one threshold for all, which its metadata state. Others have one for each person, which they
    do not state: there the least score with which the head named somebody in this very answer is known to be enough,
    and the threshold lies no higher. So it is where an answer contradicts the metadata. Whom the head names in no frame
    has no such score at all, whatever the metadata say: infinity.
    """
    named = answer.known & (answer.index[:, 0] >= 0)
    enough = np.full(len(answer.labels), np.inf, np.float32)
    np.minimum.at(enough, answer.index[named, 0], answer.score[named, 0])
    threshold = np.float32(answer.meta.threshold)
    asked = answer.index[:, 0] >= 0
    agrees = bool((answer.known[asked] == (answer.score[asked, 0] >= threshold)).all())
    if answer.meta.metrics.get("calibrated") is True and agrees:
        enough[np.isfinite(enough)] = threshold
    return enough
