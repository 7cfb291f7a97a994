"""Remembering: sightings and events are pruned, and sightings seen by the backbone in service, and grouped."""

import numpy as np
from sqlalchemy.orm import Session

from familiar.knowing import normalise
from familiar.learning import Cohort
from familiar.records import events, sightings, versions
from familiar_trainer.grouping import group_strangers
from familiar_trainer.reembedding import chip_of, embedded
from familiar_trainer.trainer import Trainer

_BATCH = 32


class Memory:
    """The duties towards sightings and events; each is safe at any time and in several trainers at once."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    def prune_sightings(self) -> None:
        """Remove old sightings where nobody comes by, and those of a time when they were kept."""
        settings, database = self._trainer.settings, self._trainer.database
        keep_s, most = settings.sightings_keep_s, settings.sightings_most
        with database.read() as session:
            due = sightings.due(session, keep_s, most)
        if due:
            database.retry(lambda session: sightings.prune(session, keep_s, most))

    def prune_events(self) -> None:
        """Remove old events and visits where nobody comes by, and those of a time when others were told."""
        settings, database = self._trainer.settings, self._trainer.database
        keep_s, most = settings.events_keep_s, settings.events_most
        with database.read() as session:
            due = events.due(session, keep_s, most)
        if due:
            database.retry(lambda session: events.prune(session, keep_s, most))

    def renew_sightings(self) -> None:
        """Have the backbone in service see what another one saw, some at a time, by the crops that were kept."""
        database, models = self._trainer.database, self._trainer.models
        with database.read() as session:
            live = versions.live_head(session)
            if live is None:
                return
            crops = sightings.crops_unseen(session, live.backbone_version, _BATCH)
        if not crops:
            return
        version = live.backbone_version
        size_px = models.backbone(version).input_px
        chips = {
            f"{sighting_id} {place}": chip
            for sighting_id, pictures in crops.items()
            for place, picture in enumerate(pictures)
            if (chip := chip_of(sighting_id, picture, size_px)) is not None
        }
        vectors = embedded(models, chips, version)
        means = {}
        for sighting_id in crops:
            rows = [vector for name, vector in vectors.items() if name.split()[0] == sighting_id]
            means[sighting_id] = normalise(np.sum(rows, axis=0)) if rows else None

        def store(session: Session) -> None:
            sightings.renew(session, version, means)

        database.retry(store)

    def group_strangers(self) -> None:
        """Find out which unknown sightings are of one stranger."""
        trainer = self._trainer

        def cohort_of(version: int) -> Cohort:
            meta = trainer.models.backbone(version)
            return trainer.cohort(meta.name, meta.dim, meta.metric)

        group_strangers(trainer.database, cohort_of)
