"""The first key: made where one is needed and none was ever made, and shown once to whoever started the gateway."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from familiar.errors import Conflict, FamiliarError
from familiar.records import Action, Database, audit, key, keys
from familiar.scope import Scope
from familiar_gateway.access.mode import Mode

log = logging.getLogger(__name__)

_NAME = "first"
_SAID = """
Familiar asks for keys here. This is the first one; it may do everything, and it is shown only this once:

    {secret}

Sign in with it on the page, or send it as "Authorization: Bearer ...". familiar-keys makes others, and revokes it.
"""


@dataclass(frozen=True)
class Machine:
    """Whoever commands the machine itself, as an author of the audit."""

    key_id: str | None = None
    address: str | None = None


def announce_first_key(database: Database, mode: Mode, say: Callable[[str], None]) -> None:
    """Make the first key, if one is needed, and say what it is; or warn that nobody needs one.

    Where the database does not answer there is a warning, and none.
    """
    if mode is Mode.OPEN:
        log.warning("ACCESS=open: whoever reaches this may enrol, watch and delete people")
    if mode is not Mode.KEYS:
        return
    secret = key.new_secret()

    def make(session: Session) -> bool:
        if keys.count(session):
            return False
        row = keys.add(session, _NAME, Scope, digest=key.digest(secret))
        audit.note(session, Machine(), Action.KEY_MADE, row.id)
        return True

    try:
        made = database.retry(make)
    except Conflict:
        return  # another gateway has made it at the same moment
    except FamiliarError as exc:
        log.warning("no first key was made (%s); `familiar-keys make` makes one", exc)
        return
    if made:
        say(_SAID.format(secret=secret))
