"""Keys, sessions and the audit in the database."""

import threading
import time
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from familiar.errors import Conflict, DatabaseUnavailable, NotFound
from familiar.records import KeyStatus, audit, key, keys, people, sessions
from familiar.records.audit import Action
from familiar.records.engine import Database
from familiar.records.schema import AuditEntry, Person
from familiar.scope import Scope

DAY_S = 86_400.0


@dataclass(frozen=True)
class Somebody:
    key_id: str | None = None
    address: str | None = "192.0.2.7"


def _add(database: Database, name: str = "door", expires_at: float | None = None) -> tuple[str, str]:
    secret = key.new_secret()
    with database.write() as session:
        row = keys.add(session, name, [Scope.RECOGNIZE], digest=key.digest(secret), expires_at=expires_at)
        return row.id, secret


def test_a_key_is_found_by_its_secret_of_which_nothing_is_kept_but_a_digest(database: Database) -> None:
    key_id, secret = _add(database)
    with database.read() as session:
        found = keys.by_digest(session, key.digest(secret))
        assert found is not None and found.id == key_id and found.scopes == ["recognize"]
        assert keys.by_digest(session, secret) is None
        stored = str(session.execute(text("SELECT * FROM access_keys")).all())
    assert secret not in stored and secret.removeprefix("fam_") not in stored


def test_secrets_are_long_and_none_is_like_another() -> None:
    made = {key.new_secret() for _ in range(1000)}
    assert len(made) == 1000 and {len(each) for each in made} == {47}


def test_a_status_is_by_the_time_and_a_revocation_goes_first(database: Database) -> None:
    key_id, _ = _add(database, expires_at=100.0)
    with database.write() as session:
        row = keys.get(session, key_id)
        assert [key.status(row, at) for at in (99.9, 100.0)] == [KeyStatus.VALID, KeyStatus.EXPIRED]
        assert keys.revoke(session, row) and not keys.revoke(session, row)
        assert key.status(row, 0.0) is KeyStatus.REVOKED


def test_of_two_keys_made_at_once_under_one_name_there_is_one(database: Database) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def make() -> None:
        ready.wait(30)
        try:
            database.retry(
                lambda session: keys.add(session, "door", [Scope.PEOPLE], digest=key.digest(key.new_secret()))
            )
            outcomes.append("made")
        except Conflict as exc:
            outcomes.append(exc.code)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["key_name_taken"] * 3 + ["made"]


def test_a_name_is_free_again_when_its_key_is_revoked(database: Database) -> None:
    key_id, _ = _add(database)
    with database.write() as session:
        keys.revoke(session, keys.get(session, key_id))
    assert _add(database)[0] != key_id
    with database.read() as session:
        assert keys.count(session) == 2 and len(keys.names(session, {key_id, "nobody"})) == 1
        with pytest.raises(NotFound):
            keys.get(session, "nobody")


def test_a_session_ends_with_its_key_or_when_it_is_over(database: Database) -> None:
    key_id, _ = _add(database)
    with database.write() as session:
        row = keys.get(session, key_id)
        first, _ = sessions.begin(session, row, 1000.0)
        over, _ = sessions.begin(session, row, -1.0)
        assert sessions.by_token(session, over) is not None  # it is the caller who looks at the time
        sessions.begin(session, row, 1000.0)
        assert sessions.by_token(session, over) is None  # cleared away
        found = sessions.by_token(session, first)
        assert found is not None and found[1].id == key_id
        keys.revoke(session, row)
        assert sessions.by_token(session, first) is None


def test_a_session_is_prolonged_and_ended_by_its_digest(database: Database) -> None:
    key_id, _ = _add(database)
    with database.write() as session:
        token, begun = sessions.begin(session, keys.get(session, key_id), 10.0)
        before = begun.expires_at
        sessions.prolong(session, begun.digest, 1000.0)
        sessions.prolong(session, "of none", 1000.0)
    with database.write() as session:
        found = sessions.by_token(session, token)
        assert found is not None and found[0].expires_at > before + 900
        sessions.prolong(session, key.digest(token), 10**9)
    with database.write() as session:
        found = sessions.by_token(session, token)
        assert found is not None and found[0].expires_at == found[0].created_at + sessions.LONGEST_S
        sessions.end(session, key.digest(token))
        assert sessions.by_token(session, token) is None


def test_the_audit_is_added_to_and_nothing_else(database: Database) -> None:
    with database.write() as session:
        for number in range(3):
            audit.note(session, Somebody(), Action.HEAD_ROLLED_BACK, str(number))
    changes = ["UPDATE audit SET target = 'x' WHERE target = '0'", "DELETE FROM audit WHERE target = '0'"]
    if not database.is_sqlite:
        changes.append("TRUNCATE audit")
    for change in changes:
        with pytest.raises(DatabaseUnavailable), database.write() as session:
            session.execute(text(change))
    with database.read() as session:
        lines = audit.newest(session, 2)
        assert [each.target for each in lines] == ["2", "1"] and audit.count(session) == 3
        assert [each.target for each in audit.newest(session, 2, 2)] == ["0"]


def test_a_line_on_a_person_leads_to_them_as_long_as_they_are_there(database: Database) -> None:
    with database.write() as session:
        ada, eve = (people.add(session, name).id for name in ("Ada", "Eve"))
        for action, target in ((Action.PERSON_ENROLLED, ada), (Action.PERSON_RENAMED, eve), (Action.KEY_MADE, "a key")):
            audit.note(session, Somebody(), action, target)
    with database.write() as session:
        session.delete(session.get_one(Person, eve))
    with database.read() as session:
        key, of_eve, of_ada = audit.newest(session, 3)
        assert key.target == "a key" and not {ada, eve} & {of_ada.target, of_eve.target}
        known = audit.people_of(session, [key, of_eve, of_ada])
        assert known == {of_ada.target: audit.Known(ada, "Ada")}


def test_what_fails_leaves_no_line(database: Database) -> None:
    with pytest.raises(NotFound), database.write() as session:
        audit.note(session, Somebody(), Action.PERSON_ERASED, "nobody")
        raise NotFound("there is none")
    with database.read() as session:
        assert audit.count(session) == 0


def test_the_audit_lets_go_of_old_lines_and_of_none_of_the_last_thirty_days(database: Database) -> None:
    ages = (0, 1, 29, 31, 40, 700)
    with database.write() as session:
        for days in ages:
            session.add(AuditEntry(at=time.time() - days * DAY_S, action=Action.KEY_MADE.value, target=str(days)))
    for days in (29, 0, -1000):
        with pytest.raises(DatabaseUnavailable), database.write() as session:
            audit.shorten(session, (days - 0.5) * DAY_S)
    with pytest.raises(DatabaseUnavailable), database.write() as session:
        session.execute(text("UPDATE audit SET target = 'x' WHERE target = '700'"))  # however old
    for days, left in ((35, 4), (35, 4), (30, 3)):
        with database.write() as session:
            audit.shorten(session, days * DAY_S)
            assert audit.count(session) == left
    with database.read() as session:
        assert {each.target for each in audit.newest(session, 10)} == {"0", "1", "29"}
