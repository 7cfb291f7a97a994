"""Who is enrolled, from which pictures, who is asked about, and who is a stranger."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar_trainer.evaluation.pictures import People, UnusableData

Places = NDArray[np.intp]

# What ships was fitted to people A to M of LFW, all of them. Where such are measured, metric and cohort are fitted anew
# to those whom this rule names, and whoever it names is neither a stranger nor enrolled. In LFW, and hardly elsewhere,
# a picture is called by its person's name and four digits.
_LFW_PICTURE = re.compile(r"([A-M].*)_\d{4}")
_FITTED_SHARE = 0.45
_FITTED_MOST_PICTURES = 19


@dataclass(frozen=True)
class Split:
    """Places of pictures in ``People.pictures``.

    Attributes:
        people: P names, who is enrolled.
        learn: whom the head learns from.
        learn_person: positions in ``people`` beside ``learn``.
        probes: other pictures of the same people.
        probe_person: positions in ``people`` beside ``probes``.
        strangers: one picture each of people who are not enrolled.
    """

    people: tuple[str, ...]
    learn: Places
    learn_person: Places
    probes: Places
    probe_person: Places
    strangers: Places


def was_fitted(people: People, name: str) -> bool:
    """Whether metric and cohort are fitted to this person where people of LFW are measured."""
    mine = people.of[name]
    in_lfw = _LFW_PICTURE.fullmatch(people.pictures[mine[0]].path.stem)
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    return bool(in_lfw and in_lfw[1] == name) and len(mine) <= _FITTED_MOST_PICTURES and share < _FITTED_SHARE


def eligible(people: People, least_pictures: int) -> list[str]:
    """Return who can be enrolled: has enough pictures, and is not one of those who are fitted to."""
    return [name for name, mine in people.of.items() if len(mine) >= least_pictures and not was_fitted(people, name)]


def strangers_to(people: People, enrolled: list[str], most: int | None = None) -> Places:
    """Return the first picture of everybody else who is not fitted to; of ``most`` people at most."""
    known = set(enrolled)
    first = [mine[0] for name, mine in people.of.items() if name not in known and not was_fitted(people, name)]
    if most is not None and most < len(first):
        first = sorted(np.random.default_rng(0).choice(first, most, replace=False).tolist())
    return np.array(first, np.intp)


def split(people: People, enrolled: list[str], learn: int, strangers: Places, seed: int) -> Split:
    """Take ``learn`` pictures of each person at random to learn from, and ask about the rest.

    Raises:
        UnusableData: nobody is enrolled, or somebody has no picture left to ask about.
    """
    if not enrolled:
        raise UnusableData("nobody has enough pictures to be enrolled; lower --min-gallery")
    rng = np.random.default_rng(seed)
    learned: list[list[int]] = []
    asked: list[list[int]] = []
    for name in enrolled:
        mine = people.of[name]
        if len(mine) <= learn:
            raise UnusableData(f"{name} has {len(mine)} pictures, and {learn} are to learn from: none is left to ask")
        order = rng.permutation(mine)
        learned.append(sorted(order[:learn].tolist()))
        asked.append(sorted(order[learn:].tolist()))
    return Split(
        tuple(enrolled),
        np.array([place for mine in learned for place in mine], np.intp),
        np.repeat(np.arange(len(enrolled)), [len(mine) for mine in learned]),
        np.array([place for mine in asked for place in mine], np.intp),
        np.repeat(np.arange(len(enrolled)), [len(mine) for mine in asked]),
        strangers,
    )
