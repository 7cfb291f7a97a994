"""What the API shows of keys, sessions and the audit, as JSON values."""

import time as clock
from collections.abc import Mapping

from familiar.records import AccessKey, AuditEntry, KeyKind, Known
from familiar.records import key as rules
from familiar.scope import Scope
from familiar_gateway.access.mode import Mode
from familiar_gateway.web import Caller, Json, time


def session(mode: Mode, caller: Caller | None, sightings_kept_s: float | None) -> Json:
    """Show who asks; ``scopes`` are what they may do, signed in or not.

    Everybody may know for how long recognised faces are kept; None: they are not.
    """
    who = None
    if caller is not None and caller.key_id is not None:
        who = {"id": caller.key_id, "name": caller.name, "camera": caller.camera}
    return {
        "access": mode.value,
        "who": who,
        "scopes": [] if caller is None else [each.value for each in Scope if each in caller.scopes],
        "csrf": None if caller is None else caller.csrf,
        "expires_at": None if caller is None else time(caller.session_until),
        "sightings_kept_s": sightings_kept_s,
    }


def key(row: AccessKey) -> Json:
    """Show a key; of its secret nothing."""
    return {
        "id": row.id,
        "name": row.name,
        "kind": (KeyKind.KEY if row.password is None else KeyKind.PASSWORD).value,
        "scopes": row.scopes,
        "camera": row.camera,
        "status": rules.status(row, clock.time()).value,
        "created_at": time(row.created_at),
        "used_at": time(row.used_at),
        "expires_at": time(row.expires_at),
        "revoked_at": time(row.revoked_at),
    }


def audit_entry(row: AuditEntry, people: Mapping[str, Known], keys: Mapping[str, str]) -> Json:
    """Show a line of the audit, with the names that those it tells of have today."""
    person = people.get(row.target or "")
    return {
        "id": row.id,
        "at": time(row.at),
        "who": None if row.key_id is None else {"id": row.key_id, "name": keys.get(row.key_id)},
        "address": row.address,
        "action": row.action,
        "target": row.target if person is None else person.id,
        "name": keys.get(row.target or "") if person is None else person.name,
    }
