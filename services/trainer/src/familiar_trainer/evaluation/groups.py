"""Groups: how purely and how completely strangers are grouped: ``python -m familiar_trainer.evaluation.groups``.

Metric and cohort are fitted to one half of the people and others are grouped, both ways. Some of the people of a half
were there when the shares of strangers were chosen from which two are taken for one, and are not measured.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select

from familiar.knowing import Head, Status
from familiar.learning import Cohort
from familiar.records import Database, HeadStatus, StrangerChange, migrate, passes, sightings, strangers, versions
from familiar.seeing import QualityLimits
from familiar_trainer.evaluation import halves, measures
from familiar_trainer.evaluation.folds import Faces, Places, folds
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.grouping import AT_ONCE, SAME_STRANGER, group_strangers, looked_at
from familiar_trainer.linkage import grouped

SEVERAL, ONE = 200, 100
"""So many people with several pictures are grouped, and so many with one; as many others were chosen with."""
MOST_PICTURES = 20
FEW = 5
"""So few come at a time where few do."""
_SEED = 1


@dataclass(frozen=True)
class Outcome:
    """How one half's strangers were grouped, all at once or as they came.

    Attributes:
        precision: of pairs of pictures in one group, the share that shows one person.
        recall: of pairs of pictures of one person, the share that is in one group.
        merged: how often strangers went into others as they came.
        split: how often some sightings came out of a stranger.
    """

    look: str
    way: str
    people: int
    pictures: int
    groups: int
    precision: float
    recall: float
    merged: int = 0
    split: int = 0


def outcomes(faces: Faces) -> list[Outcome]:
    """Group strangers of both halves, as each camera sees them; pictures without a good face are zeros in ``faces``."""
    told = []
    for fold in folds(faces, 0):
        for look, embeddings in faces.looks.items():
            rows = embeddings if fold.space.metric is None else fold.space.metric.apply(embeddings)
            places = _chosen(faces, fold.measured[embeddings[fold.measured].any(axis=1)])
            rows, person, cohort = rows[places], faces.person[places], fold.space.cohort
            once = {
                "first look": grouped(rows, cohort.alike(SAME_STRANGER)),
                "at once": looked_at(rows, [None] * len(rows), cohort, 0),
            }
            told += [_judged(look, way, groups, person) for way, groups in once.items()]
            for at_once in (AT_ONCE, FEW):
                groups, changes = _as_they_come(rows, cohort, at_once)
                judged = _judged(look, f"as they come, {at_once}", groups, person)
                told.append(
                    replace(judged, merged=changes[strangers.Change.MERGED], split=changes[strangers.Change.SPLIT])
                )
    return told


def _chosen(faces: Faces, usable: Places) -> Places:
    who, rng = faces.person[usable], np.random.default_rng(_SEED)
    people, count = np.unique(who, return_counts=True)
    several, one = rng.permutation(people[count > 1]), rng.permutation(people[count == 1])
    chosen = [*several[SEVERAL : 2 * SEVERAL], *one[ONE : 2 * ONE]]
    return np.concatenate([rng.permutation(usable[who == each])[:MOST_PICTURES] for each in chosen])


def _as_they_come(rows: Float32, cohort: Cohort, at_once: int) -> tuple[Places, Counter[str]]:
    """Group in a database, so many at a time, in no order, as the trainer does; return groups and changes by kind."""
    order = np.random.default_rng(_SEED).permutation(len(rows))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/familiar.db")
        migrate.migrate(database)
        with database.write() as session:
            versions.add_backbone(session, 1, {})
            head = versions.issue(session, "head")
            versions.add_head(
                session, head, training_id=None, backbone_version=1, head=Head.empty(rows.shape[1]), meta={},
                status=HeadStatus.PUBLISHED,
            )  # fmt: skip
            versions.go_live(session, head)
        with database.write() as session:
            # Each is before a camera of its own, so none is taken for one more frame of another.
            passes.keep(session, [_seen(rows[place], time, str(place)) for time, place in enumerate(order)])
        while group_strangers(database, lambda _: cohort, at_once):
            pass
        with database.read() as session:
            found = {row.camera: row.stranger_id for row in sightings.page(session, sightings.Wanted(), len(rows))}
            changes = Counter(session.scalars(select(StrangerChange.kind)))
        database.close()
    return np.unique([found[str(place)] for place in range(len(rows))], return_inverse=True)[1], changes


def _seen(vector: Float32, time: int, camera: str) -> passes.Seen:
    return passes.Seen(
        captured_at=float(time), camera=camera, status=Status.UNKNOWN, person_id=None, score=None, candidates=(),
        head_version=1, backbone_version=1, vector=vector, alike=2.0, weight=1.0, request_id=camera, face=0,
        box=(0, 0, 0, 0), quality={}, crop=lambda: b"",
    )  # fmt: skip


def _judged(look: str, way: str, groups: Places, person: Places) -> Outcome:
    people = len(np.unique(person))
    precision, recall = measures.pairwise(groups, person)
    return Outcome(look, way, people, len(person), len(np.unique(groups)), precision, recall)


def table(rows: Sequence[Outcome]) -> str:
    """Return a Markdown table."""
    lines = [
        "| look | way | people | pictures | groups | precision % | recall % | merged | split |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.look} | {row.way} | {row.people} | {row.pictures} | {row.groups} | {100 * row.precision:.1f} | "
        f"{100 * row.recall:.1f} | {row.merged} | {row.split} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    return halves.run(
        arguments,
        __doc__,
        lambda sights: sights.gated(QualityLimits()).embeddings,
        lambda faces: table(outcomes(faces)),
    )


if __name__ == "__main__":
    sys.exit(main())
