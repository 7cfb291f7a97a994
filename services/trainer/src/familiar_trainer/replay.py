"""Replay: what another head, threshold or target would have said of past sightings; nothing is changed by it."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from familiar.errors import DatabaseUnavailable, FamiliarError, TrainingFailed
from familiar.knowing import Head
from familiar.learning import Cohort, promise
from familiar.records import (
    Known,
    Replay,
    ReplayStage,
    SiteCorrection,
    people,
    replays,
    sightings,
    site_corrections,
    versions,
)
from familiar_trainer.lesson import correction_of
from familiar_trainer.trainer import Trainer

_log = logging.getLogger(__name__)
_EXAMPLES = 5

Said = str | None
"""Whom a head named, None for nobody."""


def run(trainer: Trainer, replay_id: str) -> str:
    """Answer a replay; safe to run twice, or at once in several processes."""
    database = trainer.database
    try:
        with database.read() as session:
            row = replays.get(session, replay_id)
        if row.stage != ReplayStage.QUEUED:
            return "done already"
        told = _answer(trainer, row)
        database.retry(lambda session: replays.answer(session, replay_id, told))
    except DatabaseUnavailable:
        raise  # it stays open, and the reconciler comes back to it
    except FamiliarError as exc:
        return _fail(trainer, replay_id, exc.code, exc.message)
    except Exception:
        _log.exception("replay %s ended unexpectedly", replay_id)
        return _fail(trainer, replay_id, "internal", "the replay broke off; the trainer's log tells where")
    return "done"


def _fail(trainer: Trainer, replay_id: str, code: str, message: str) -> str:
    _log.error("replay %s failed: %s", replay_id, message)
    trainer.database.retry(lambda session: replays.fail(session, replay_id, code, message))
    return "failed"


def _answer(trainer: Trainer, row: Replay) -> dict[str, Any]:
    head, backbone_version = _head(trainer, row.asked)
    wanted = sightings.Wanted(since=row.asked["since"], until=row.asked["until"])
    pairs: Counter[tuple[Said, Said]] = Counter()
    examples: dict[tuple[Said, Said], list[str]] = {}
    with trainer.database.read() as session:
        total = sightings.count(session, wanted)
        meant = people.meant(session, head.person_ids)
        for ids, said, vectors in sightings.decided(session, backbone_version, wanted):
            meant |= people.meant(session, {each for each in said if each is not None} - meant.keys())
            was = [meant[each].id if each in meant else each for each in said]
            for sighting_id, before, after in zip(ids, was, _said(head, vectors, meant), strict=True):
                pairs[before, after] += 1
                some = examples.setdefault((before, after), [])
                if before != after and len(some) < _EXAMPLES:
                    some.append(sighting_id)
    asked = sum(pairs.values())
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    return {
        "sightings": asked,
        "not_comparable": total - asked,
        "changed": sum(pairs[pair] for pair in changed),
        "threshold": round(float(np.median(head.thresholds)), 6) if len(head.thresholds) else None,
        "people": _by_person(pairs),
        "changes": [
            {"from": pair[0], "to": pair[1], "sightings": pairs[pair], "examples": examples[pair]}
            for pair in sorted(changed, key=lambda pair: (-pairs[pair], str(pair)))
        ],
    }


def _head(trainer: Trainer, asked: dict[str, Any]) -> tuple[Head, int]:
    """Return the head that is asked for, with the thresholds that are, and its backbone version."""
    with trainer.database.read() as session:
        row = versions.head(session, asked["head_version"])
        weights, version = row.weights, row.backbone_version
        corrected = site_corrections.current(session)
    if weights is None:
        raise TrainingFailed(f"the weights of head {row.version} are gone", code="no_weights")
    head = Head.from_bytes(weights)
    if asked["threshold"] is not None:
        return _with_threshold(head, asked["threshold"]), version
    if asked["target"] is None or not head.person_ids:
        return head, version
    meta = trainer.models.backbone(version)
    cohort = trainer.cohort(meta.name, meta.dim, meta.metric)
    if not cohort.fitted:
        raise TrainingFailed("nothing is known of strangers before this backbone: give a threshold", code="no_cohort")
    return _with_threshold(head, _threshold_at(cohort, head, asked["target"], corrected)), version


def _threshold_at(cohort: Cohort, head: Head, target: float, corrected: SiteCorrection | None) -> float:
    correction = None if corrected is None else correction_of(corrected, corrected.backbone_version, cohort)
    return promise.threshold_at(cohort, head.prototypes, target, correction)


def _with_threshold(head: Head, threshold: float) -> Head:
    return replace(head, thresholds=np.full(len(head.person_ids), threshold, np.float32))


def _said(head: Head, vectors: sightings.Float32, meant: Mapping[str, Known]) -> list[Said]:
    """Return whom the head names; of whoever was merged into somebody, that one, and of who was deleted the label."""
    found = head.identify(vectors)
    labels = [meant[each].id if each in meant else each for each in head.person_ids]
    return [
        labels[best] if known else None
        for best, known in zip(found.index[:, 0].tolist(), found.known.tolist(), strict=True)
    ]


def _by_person(pairs: Counter[tuple[Said, Said]]) -> list[dict[str, Any]]:
    """Return for everybody in how many sightings they were named, and would be."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    stayed: Counter[str] = Counter()
    for (was, would), count in pairs.items():
        if was is not None:
            before[was] += count
        if would is not None:
            after[would] += count
        if was is not None and was == would:
            stayed[was] += count
    return [
        {"person": each, "before": before[each], "after": after[each],
         "lost": before[each] - stayed[each], "gained": after[each] - stayed[each]}
        for each in sorted({*before, *after}, key=lambda each: (-abs(after[each] - before[each]), each))
    ]  # fmt: skip
