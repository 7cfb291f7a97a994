"""Negatives: faces of which a person has said who they are not; locked cases, which every head has to pass.

A head that would name one is restrained: the prototype of whoever is named is shortened, so that this person is named
from a closer likeness only, as ``familiar.learning.promise`` does with whom many strangers resemble; and nobody else
pays. Where that would cost the person their own recognition, what was said contradicts their samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head, normalise
from familiar.learning.rivals import strongest
from familiar.learning.trial import HeldOut, tolerance

Float32 = NDArray[np.float32]

_MARGIN = 0.05
"""How far below the threshold a negative is brought, as a share of what lies between the threshold and 1: another
picture of that face is not the same, and numbers are rounded."""
_SAME = 0.1
"""A negative this near to a sample, as such a share of the distance, is the very face that the sample shows."""


@dataclass(frozen=True)
class Negative:
    """A face float32[D] that is not that of ``person_id``, or of nobody who is enrolled where that is None."""

    vector: Float32
    person_id: str | None
    id: str = ""


@dataclass(frozen=True)
class Conflict:
    """Why a negative, by its id, is not kept to: it contradicts a sample of a person."""

    negative: str
    person_id: str
    sample_id: str


@dataclass(frozen=True)
class Restraint:
    """What keeps a head to negatives.

    Attributes:
        factor: float32[P], by which the prototypes are shortened; 1 for most.
        conflicts: the negatives that it does not keep to.
    """

    factor: Float32
    conflicts: tuple[Conflict, ...] = ()


def failing(head: Head, negatives: Sequence[Negative]) -> list[str]:
    """Return the ids of the negatives that a head names as whom they are not."""
    some = [each for each in negatives if each.vector.shape == (head.dim,)]
    return [some[i].id for i in np.flatnonzero(_misnamed(head, some) >= 0).tolist()]


def bound(head: Head, negatives: Sequence[Negative]) -> Head:
    """Return a head kept to all negatives, whatever that costs."""
    return _shortened(head, _keep(head, negatives, lambda *_: None).factor)


def restrain(held_out: HeldOut, judged: NDArray[np.bool_], negatives: Sequence[Negative]) -> Restraint:
    """Return what keeps a head to negatives as far as nobody loses samples of their own by it.

    Args:
        held_out: how the head, which knows everybody in the gallery, does on their samples.
        judged: bool[N], the samples that could be held out.
        negatives: of this backbone's embeddings; those of whom the head does not know say nothing.
    """
    head, gallery = held_out.head, held_out.gallery
    conflicts = _same_faces(held_out, negatives)
    contradicting = {each.negative for each in conflicts}

    def cost(negative: Negative, who: int, factor: float) -> Conflict | None:
        rows = np.flatnonzero(judged & (gallery.person == who))
        before = held_out.named(rows)
        at_who = np.where(np.arange(len(head.person_ids)) == who, np.float32(factor), np.float32(1))
        scores = held_out.score * at_who[gallery.person]
        after = replace(held_out, head=_shortened(head, at_who), score=scores).named(rows)
        lost = rows[before & ~after]
        if factor > 0 and len(lost) <= tolerance(int(before.sum()), len(rows)):
            return None
        own = lost if len(lost) else np.flatnonzero(gallery.person == who)
        nearest = own[np.argmax(gallery.embeddings[own] @ normalise(negative.vector))]
        return Conflict(negative.id, head.person_ids[who], gallery.sample_ids[nearest])

    kept = _keep(head, [each for each in negatives if each.id not in contradicting], cost)
    return Restraint(kept.factor, (*conflicts, *kept.conflicts))


def _keep(
    head: Head, negatives: Sequence[Negative], cost: Callable[[Negative, int, float], Conflict | None]
) -> Restraint:
    """Shorten prototypes until no negative is named as whom it is not, but for those that ``cost`` too much.

    Scores only fall by it, so what has been met once stays met; what one was shortened for that turns out to contradict
    is taken back with it.
    """
    left = [each for each in negatives if each.vector.shape == (head.dim,)]
    conflicts: list[Conflict] = []
    factor = np.ones(len(head.person_ids), np.float32)
    while len(open_ones := np.flatnonzero((named := _misnamed(_shortened(head, factor), left)) >= 0)):
        for i in open_ones.tolist():
            who, negative = int(named[i]), left[i]
            threshold, score = float(head.thresholds[who]), float(normalise(negative.vector) @ head.prototypes[who])
            wanted = (threshold - _MARGIN * max(1 - threshold, 0.0)) / score if score > 0 else 0.0
            conflict = cost(negative, who, wanted)
            if conflict is not None or wanted <= 0:
                conflicts += [conflict] if conflict is not None else []
                left.pop(i)
                factor = np.ones(len(head.person_ids), np.float32)
                break
            factor[who] = min(factor[who], np.float32(wanted))
    return Restraint(factor, tuple(conflicts))


def _misnamed(head: Head, negatives: Sequence[Negative]) -> NDArray[np.int32]:
    if not negatives:
        return np.zeros(0, np.int32)
    return head.misnames(np.stack([each.vector for each in negatives]), [each.person_id for each in negatives])


def _same_faces(held_out: HeldOut, negatives: Sequence[Negative]) -> tuple[Conflict, ...]:
    """Return the negatives that show the very face of a sample of whom it is said not to be."""
    head, gallery = held_out.head, held_out.gallery
    found = []
    for each in negatives:
        if each.vector.shape != (head.dim,):
            continue
        rows = slice(None)
        if each.person_id is not None:
            theirs = np.flatnonzero(np.array(gallery.person_ids) == each.person_id)
            if not len(theirs):
                continue
            rows = slice(*np.searchsorted(gallery.person, [theirs[0], theirs[0] + 1]))
        face, nobody = normalise(each.vector)[None], np.full(1, -1)
        ((place,), (likeness,)) = strongest(face, gallery.embeddings[rows], nobody)
        row = int(place) + (rows.start or 0)
        person = int(gallery.person[row])
        if likeness >= 1 - _SAME * (1 - float(head.thresholds[person])):
            found.append(Conflict(each.id, gallery.person_ids[person], gallery.sample_ids[row]))
    return tuple(found)


def _shortened(head: Head, factor: Float32) -> Head:
    return replace(head, prototypes=head.prototypes * factor[:, None])
