"""Who gets past the guard: every route of the OpenAPI document, asked by everybody who might."""

import re
from collections.abc import Callable, Mapping, Sequence

from doorkeeping import bearer, give_key, let_expire, revoke, sign_in
from gateway_world import World
from openapi_judge import DOCUMENT
from werkzeug.test import TestResponse

from familiar.scope import Scope

NOBODY = "0123456789abcdef" * 2
"""The id of nothing: who gets past the guard is told that there is no such thing, and nothing is changed."""
Ask = Callable[[str, str], int]


def operations() -> list[tuple[str, str]]:
    """Return method and path of every operation of the document."""
    return [
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    ]


def askers(world: World, read: Callable[[TestResponse], int] = lambda answer: answer.status_code) -> dict[str, Ask]:
    """Return everybody who might ask, by what the table calls them, and how they do; ``read`` gives their status."""
    secrets = {scope.value: give_key(world, scope, name=scope.value)[1] for scope in Scope}
    revoked_id, revoked = give_key(world, name="revoked")
    expired_id, expired = give_key(world, name="expired")
    revoke(world, revoked_id)
    let_expire(world, expired_id)
    everything = give_key(world, name="everything")[1]
    sign_in(world, give_key(world, name="page")[1])
    cookie = {"Cookie": "; ".join(f"{each.key}={each.value}" for each in world.client._cookies.values())}
    shown: dict[str, Mapping[str, str]] = {
        "no key": {},
        **{name: bearer(secret) for name, secret in secrets.items()},
        "revoked": bearer(revoked),
        "expired": bearer(expired),
        "session without its token": cookie,
        "page of another site": {**bearer(everything), "Origin": "http://evil.example"},
    }
    return {name: _asker(world, headers, read) for name, headers in shown.items()}


def table(asking: Mapping[str, Ask], asked: Sequence[tuple[str, str]]) -> str:
    """Return the table of what everybody was answered: *yes* past the guard, else the status."""
    lines = [f"| | {' | '.join(asking)} |", f"|---{'|---' * len(asking)}|"]
    for method, path in asked:
        answers = [ask(method, path) for ask in asking.values()]
        cells = [str(status) if status in (401, 403) else "yes" for status in answers]
        lines.append(f"| `{method} {path}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _asker(world: World, headers: Mapping[str, str], read: Callable[[TestResponse], int]) -> Ask:
    client = world.client.application.test_client(use_cookies=False)

    def ask(method: str, path: str) -> int:
        filled = re.sub(r"\{\w+\}", lambda name: "999999" if name[0] == "{version}" else NOBODY, path)
        answer = client.open(filled, method=method, headers=dict(headers))
        assert "Access-Control-Allow-Origin" not in answer.headers
        return read(answer)

    return ask
