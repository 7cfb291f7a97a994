"""A gateway that asks for keys, and the keys to it."""

import time

from gateway_world import World

from familiar.records import key, keys
from familiar.scope import Scope

EVERYTHING = tuple(Scope)


def give_key(world: World, *scopes: Scope, name: str = "somebody", camera: str | None = None) -> tuple[str, str]:
    """Make a key with these scopes, all if there are none; return its id and its secret."""
    secret = key.new_secret()
    with world.database.write() as session:
        row = keys.add(session, name, scopes or EVERYTHING, digest=key.digest(secret), camera=camera)
        return row.id, secret


def bearer(secret: str) -> dict[str, str]:
    """Return how a program shows a key."""
    return {"Authorization": f"Bearer {secret}"}


def revoke(world: World, key_id: str) -> None:
    """Revoke a key as another process would, of which this one is not told."""
    with world.database.write() as session:
        keys.revoke(session, keys.get(session, key_id))


def let_expire(world: World, key_id: str) -> None:
    """Have a key expire at this moment."""
    with world.database.write() as session:
        keys.get(session, key_id).expires_at = time.time()


def sign_in(world: World, secret: str) -> str:
    """Have the client sign in with a key; return what it has to send with each change."""
    answer = world.client.post("/v1/session", json={"key": secret})
    assert answer.status_code == 201, answer.text
    return str(answer.json["csrf"])
