"""Use: what is learned from sightings, in rounds; asked about first, or taken where nobody could have planted it."""

import math
import time
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from familiar.learning import Negative, candidates
from familiar.records import (
    Origin,
    learned,
    locked_cases,
    passes,
    quarantine,
    sightings,
    site_corrections,
    trainings,
    versions,
)
from familiar.seeing import ENROLMENT, Quality
from familiar_trainer import crash_points, reembedding
from familiar_trainer.lesson import correction_of
from familiar_trainer.trainer import Trainer

_BATCH = 32
_MOST_PROPOSED = 100
_PROPOSE_EVERY_S = 5.0
_NEAR = 0.1
"""Worth asking about is a face that nobody was named for and that lacks this share of what lies between the threshold
and 1, or less."""


@dataclass(frozen=True)
class _Human:
    """What a judge was made of, so that it need not be made anew."""

    backbone_version: int
    far_target: float
    correction: str
    samples: frozenset[str]


class Use:
    """The duties towards what is learned from use; each is safe at any time and in several trainers at once."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._proposed_at = self._judged_at = -math.inf
        self._judge: tuple[_Human, candidates.Judge] | None = None

    def propose_faces(self) -> None:
        """Copy the best faces of sightings that are over to the quarantine."""
        trainer = self._trainer
        if trainer.settings.learn_from_sightings == "off" or self._just(self._proposed_at, _PROPOSE_EVERY_S):
            return
        self._proposed_at = time.monotonic()
        with trainer.database.read() as session:
            live = versions.live_head(session)
        if live is None or not live.meta["people"]:
            return
        threshold = float(live.meta["threshold"])
        least, still_s = threshold - _NEAR * (1 - threshold), passes.PASS_S
        trainer.database.retry(lambda session: quarantine.propose(session, least, still_s, _MOST_PROPOSED, self._alike))

    def see_faces(self) -> None:
        """Have the backbone in service see what is in quarantine; what is like a sample is not asked about."""
        trainer = self._trainer
        with trainer.database.read() as session:
            live = versions.live_head(session)
            crops = quarantine.unseen(session, live.backbone_version, _BATCH) if live else {}
        if live is None or not crops:
            return
        version = live.backbone_version
        vectors = reembedding.see_again(trainer.models, crops, version)
        least = trainer.settings.near_copy_cosine

        def store(session: Session) -> None:
            quarantine.see(session, version, vectors)
            quarantine.put_out(session, learned.copies(session, version, least, vectors))

        trainer.database.retry(store)

    def learn_from_use(self) -> None:
        """Make samples of what was confirmed, and of what may be taken, and have them learned by one training."""
        trainer, settings = self._trainer, self._trainer.settings
        if settings.learn_from_sightings == "off":
            return
        with trainer.database.read() as session:
            just = 0 <= time.time() - learned.last_at(session) < settings.learn_every_s
            if just or trainings.any_open(session):
                return
            confirmed = bool(learned.confirmed(session))
        taken: dict[str, str] = {}
        surplus: list[str] = []
        if settings.learn_from_sightings == "auto" and not self._just(self._judged_at, settings.learn_every_s):
            self._judged_at = time.monotonic()
            taken, surplus = self._choose()

        def learn(session: Session) -> None:
            count = learned.remove(session, surplus)
            count += learned.learn(session, learned.confirmed(session), Origin.CONFIRMED)
            count += learned.learn(session, taken, Origin.AUTOMATIC)
            if count:
                trainings.ask(session)

        if confirmed or taken or surplus:
            trainer.database.retry(learn)
            crash_points.reached(crash_points.TAKEN)

    def drop_refused(self) -> None:
        """Remove what was taken and then refused by a training."""
        with self._trainer.database.read() as session:
            refused = learned.refused(session)
        for enrollment_id in refused:
            self._trainer.database.retry(lambda session, its=enrollment_id: learned.drop_refused(session, its))

    def prune_quarantine(self) -> None:
        """Remove faces that are as old as a sighting may get, if nobody has said anything of them."""
        keep_s = self._trainer.settings.sightings_keep_s
        with self._trainer.database.read() as session:
            due = quarantine.due(session, keep_s)
        if due:
            self._trainer.database.retry(lambda session: quarantine.prune(session, keep_s))

    def _alike(self, version: int) -> float:
        meta = self._trainer.models.backbone(version)
        return self._trainer.cohort(meta.name, meta.dim, meta.metric).alike(passes.SAME_PASS)

    def _choose(self) -> tuple[dict[str, str], list[str]]:
        """Return whose samples to make of which faces, and the samples to take back so that human ones prevail."""
        trainer = self._trainer
        with trainer.database.read() as session:
            live = versions.live_head(session)
            if live is None:
                return {}, []
            version = live.backbone_version
            faces, given = quarantine.unsaid(session, version), learned.given(session, version)
            if not faces and all(each.taken_on is None for each in given):
                return {}, []
            backbone = trainer.models.backbone(version)
            cohort = trainer.cohort(backbone.name, backbone.dim, backbone.metric)
            correction = correction_of(site_corrections.current(session), version, cohort)
            unknown = [rows for _, rows in sightings.vectors(session, version, sightings.Wanted(unknown=True))]
            cases = locked_cases.in_force(session, version)
        known = [candidates.Sample(each.person_id, each.vector, each.taken_on) for each in given]
        human = _Human(
            version, trainer.settings.far_target, "" if correction is None else correction.digest(),
            frozenset(each.id for each in given if each.taken_on is None),
        )  # fmt: skip
        if self._judge is None or self._judge[0] != human:
            self._judge = human, candidates.Judge.of(known, cohort, human.far_target, correction)
        strangers = np.concatenate(unknown) if unknown else np.zeros((0, backbone.dim), np.float32)
        told = [Negative(case.vector, case.person_id) for case in cases]
        judge = self._judge[1].with_taken(known).beside(strangers, told)
        chosen = judge.choose([_candidate(face) for face in faces])
        taken = {each.candidate.id: each.candidate.person_id for each in chosen if each.taken}
        return taken, [given[place].id for place in candidates.too_many(known)]

    @staticmethod
    def _just(at: float, within_s: float) -> bool:
        return time.monotonic() - at < within_s


def _candidate(face: quarantine.Face) -> candidates.Candidate:
    return candidates.Candidate(
        id=face.id, sighting=face.sighting_id, person_id=face.person_id, vector=face.vector, day=face.day,
        frames=face.frames, agreeing=face.agreeing, disagreeing=face.disagreeing,
        good=not Quality(**face.quality).reasons(ENROLMENT),
    )  # fmt: skip
