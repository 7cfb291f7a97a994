"""What was said wrong is locked: a head that says it nevertheless fails."""

import numpy as np
from opinions import AUTHOR, say, see, sighting, withdraw
from seen import everybody, face

from familiar.knowing import Head
from familiar.records import (
    HeadStatus,
    Terms,
    corrections,
    feedback,
    locked_cases,
    versions,
)


def head_of(*named):
    return Head(named, np.stack([face(i + 1) for i in range(len(named))]), np.full(len(named), 0.5, np.float32))


def stored(database, head, meta=None):
    with database.write() as session:
        version = versions.issue(session, "head")
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta=meta or {},
            status=HeadStatus.SUPERSEDED,
        )  # fmt: skip
    return version


def failed(database, version):
    with database.read() as session:
        return locked_cases.failed_by(session, versions.head(session, version))


def test_a_head_fails_a_locked_case_that_it_names_wrongly_and_no_other(database, ada, bob):
    said = say(database, sighting(database, person=ada), "wrong").feedback.id
    assert failed(database, stored(database, head_of(ada))) == []  # nobody has seen the face yet
    see(database)
    assert failed(database, stored(database, head_of(ada))) == [said]
    assert failed(database, stored(database, head_of(bob))) == []
    assert failed(database, stored(database, head_of(ada), {"metrics": {"contradictions": [{"feedback": said}]}})) == []
    with database.write() as session:
        feedback.note_conflicts(session, [{"feedback": said, "person": ada, "sample": "s"}])
    assert failed(database, stored(database, head_of(ada))) == []
    with database.write() as session:
        feedback.note_conflicts(session, [])
    assert failed(database, stored(database, head_of(ada))) == [said]
    withdraw(database, said)
    assert failed(database, stored(database, head_of(ada))) == []


def test_a_stranger_must_be_named_as_nobody_and_one_who_was_merged_is_who_stayed(database, ada, bob):
    said = say(database, sighting(database, person=ada), "stranger").feedback.id
    see(database)
    assert failed(database, stored(database, head_of(bob))) == [said]
    withdraw(database, said)
    said = say(database, everybody(database)[0].id, "wrong").feedback.id
    see(database)
    with database.write() as session:
        corrections.merge(session, bob, ada, Terms(AUTHOR, 1000.0))
    assert failed(database, stored(database, head_of(ada))) == [said]
    assert failed(database, stored(database, head_of(bob))) == [said]
