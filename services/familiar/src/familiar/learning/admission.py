"""Admission: which captures may be learned, so that nobody who is there already pays for somebody else's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from familiar.learning.comparison import Loss, worse_than
from familiar.learning.gallery import Gallery
from familiar.learning.learned import Learned


@dataclass(frozen=True)
class Refusal:
    """A capture that must not be learned.

    Attributes:
        capture: which one.
        losses: who would be worse off with it, whoever loses most first.
        alike: the other person from whom its own cannot be told; None if that is not what is wrong with it.
    """

    capture: str
    losses: tuple[Loss, ...]
    alike: str | None


@dataclass(frozen=True)
class Admission:
    """The best that can be learned: ``learned`` from ``gallery``, which has all captures but those refused."""

    gallery: Gallery
    learned: Learned
    refused: tuple[Refusal, ...]


def admit(
    captures: Sequence[tuple[str, str]],
    everybody: tuple[Gallery, Learned],
    gallery_without: Callable[[Collection[str]], Gallery],
    learn: Callable[[Gallery], Learned],
) -> Admission:
    """Decide for each of ``captures`` as if they had come one after the other, and been learned one by one.

    A capture is judged by what would be without it, never by the live head: what is lost because samples were removed,
    or because another share of strangers is promised now, is nobody's fault. Several are tried at once, and halved as
    long as somebody would be worse off; so one bad one among many costs about 2 log2 of them trainings.

    Args:
        captures: (capture, person) that have come since the last head, the first one first.
        everybody: the gallery with all of them, and what was learned from it.
        gallery_without: everything there is to learn from but these captures.
        learn: makes a head of a gallery.
    """
    person_of = dict(captures)
    refused: list[Refusal] = []
    waiting = [list(person_of)]
    outside = set(person_of)
    gallery = gallery_without(outside)
    learned = learn(gallery)
    while waiting:
        some = waiting.pop()
        left = outside - set(some)
        tried = everybody if not left else _taught(gallery_without(left), learn)
        losses = worse_than(learned.head, tried[1], tried[0])
        if not losses:
            outside, (gallery, learned) = left, tried
        elif len(some) == 1:
            refused.append(_refusal(some[0], person_of[some[0]], learned, losses))
        else:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]
    return Admission(gallery, learned, tuple(refused))


def _taught(gallery: Gallery, learn: Callable[[Gallery], Learned]) -> tuple[Gallery, Learned]:
    return gallery, learn(gallery)


def _refusal(capture: str, person_id: str, before: Learned, losses: Sequence[Loss]) -> Refusal:
    by_weight = tuple(sorted(losses, key=lambda loss: -loss.lost))
    alike = [loss.person_id for loss in by_weight if loss.to == person_id]
    if person_id not in before.head.person_ids:  # of one who was known before, it tells of pictures that are not theirs
        alike += [loss.to for loss in by_weight if loss.person_id == person_id and loss.to]
    return Refusal(capture, by_weight, alike[0] if alike else None)
