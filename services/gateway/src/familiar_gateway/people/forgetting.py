"""Forgetting: people and samples deleted, noted, and a training asked for that learns without them, all or nothing."""

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from familiar.records import Action, Database, Sample, audit, people, samples, trainings
from familiar_gateway.operating import job
from familiar_gateway.people.learning_anew import Answer, learn_anew
from familiar_gateway.web import Json, caller, services

_AT_ONCE = 1000


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


def forget_people(chosen: Callable[[Session], Sequence[str]]) -> Answer:
    """Delete those whose ids are ``chosen``; from this answer on nobody is named as them.

    The job ends when no model on disk holds them any more.

    Raises:
        NotFound: one of them is not there.
    """

    def delete(session: Session) -> Json:
        for person_id in chosen(session):
            people.erase(session, person_id)
            audit.note(session, caller(), Action.PERSON_ERASED, person_id)
        return job(trainings.ask(session))

    return learn_anew(services(_Needs).database.retry(delete))


def forget_samples(chosen: Callable[[Session], Sequence[Sample]]) -> Answer:
    """Delete the samples ``chosen``, and have whose they were learned anew without them."""

    def delete(session: Session) -> Json:
        doomed = chosen(session)
        whose = [sample.person_id for sample in doomed]
        for start in range(0, len(doomed), _AT_ONCE):
            samples.remove(session, *doomed[start : start + _AT_ONCE])
        for person_id in whose:
            audit.note(session, caller(), Action.SAMPLE_REMOVED, person_id)
        return job(trainings.ask(session))

    return learn_anew(services(_Needs).database.retry(delete))
