"""Keys over HTTP and at the command line."""

import io
import json

import pytest
from doorkeeping import EVERYTHING, bearer, give_key

from familiar.scope import Scope
from familiar_gateway.access import command


@pytest.fixture
def world(make_world):
    """A gateway that asks for keys."""
    return make_world(access="keys")


@pytest.fixture
def operator(world):
    """What somebody shows who may do everything."""
    return bearer(give_key(world, *EVERYTHING, name="operator")[1])


def _code(answer):
    return answer.status_code, answer.json["error"]["code"]


def test_a_key_is_made_used_listed_and_revoked(world, operator):
    body = {"name": "  Front  desk ", "scopes": ["people", "recognize"], "camera": "door", "expires_at": "2100-01-01"}
    made = world.client.post("/v1/keys", json=body, headers=operator)
    assert made.status_code == 201
    its_key, secret = made.json["key"], made.json["secret"]
    assert (its_key["name"], its_key["camera"], its_key["scopes"]) == ("Front desk", "door", ["recognize", "people"])
    assert (its_key["status"], its_key["kind"], its_key["expires_at"]) == (
        "valid",
        "key",
        "2100-01-01T00:00:00.000+00:00",
    )
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    listed = world.client.get("/v1/keys", headers=operator)
    assert [each["name"] for each in listed.json["keys"]] == ["Front desk", "operator"] and listed.json["total"] == 2
    assert secret not in listed.text
    for _ in range(2):
        assert world.client.delete(f"/v1/keys/{its_key['id']}", headers=operator).status_code == 204
    assert _code(world.client.get("/v1/people", headers=bearer(secret))) == (401, "key_revoked")
    assert world.client.get("/v1/keys?limit=1", headers=operator).json["keys"][0]["status"] == "revoked"
    told = world.client.get("/v1/audit", headers=operator).json["entries"]
    assert [each["action"] for each in told] == ["key_revoked", "key_made"]
    assert {each["target"] for each in told} == {its_key["id"]} and {each["name"] for each in told} == {"Front desk"}


def test_one_name_is_one_key_until_it_is_revoked(world, operator):
    body = {"name": "door", "scopes": ["recognize"]}
    first = world.client.post("/v1/keys", json=body, headers=operator).json["key"]["id"]
    assert _code(world.client.post("/v1/keys", json=body, headers=operator)) == (409, "key_name_taken")
    world.client.delete(f"/v1/keys/{first}", headers=operator)
    assert world.client.post("/v1/keys", json=body, headers=operator).status_code == 201


def test_nobody_gives_what_they_do_not_have(world):
    _, secret = give_key(world, Scope.OPERATE, Scope.PEOPLE)
    wanted = {"name": "more", "scopes": ["people", "enroll"]}
    answer = world.client.post("/v1/keys", json=wanted, headers=bearer(secret))
    assert _code(answer) == (403, "scope_missing") and answer.json["error"]["details"]["scopes"] == ["enroll"]


def _run(world, capsys, monkeypatch, *arguments, typed=None):
    monkeypatch.setenv("DATABASE_URL", world.services.settings.database_url)
    if typed is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    status = command.main(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_command_makes_lists_and_revokes(world, capsys, monkeypatch):
    status, out, err = _run(
        world, capsys, monkeypatch, "make", "door", "--scopes", "recognize,people", "--camera", "door", "--days", "30"
    )  # fmt: skip
    secret = out.strip()
    assert status == 0 and secret.startswith("fam_") and len(out.splitlines()) == 1 and secret not in err
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    status, out, _ = _run(world, capsys, monkeypatch, "list")
    assert status == 0 and "door" in out and "recognize,people" in out and secret not in out
    assert _run(world, capsys, monkeypatch, "revoke", "door")[0] == 0
    world.services.keyring.forget()
    assert _code(world.client.get("/v1/people", headers=bearer(secret))) == (401, "key_revoked")
    assert "revoked" in _run(world, capsys, monkeypatch, "list")[1]
    operator = bearer(give_key(world, name="operator")[1])
    told = world.client.get("/v1/audit", headers=operator).json["entries"]
    assert [(each["action"], each["who"], each["address"]) for each in told] == [
        ("key_revoked", None, None), ("key_made", None, None)
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_name_that_the_output_cannot_write_ends_no_list(world, capsys, monkeypatch, encoding):
    assert _run(world, capsys, monkeypatch, "make", "\u0141ucja", "--scopes", "people")[0] == 0
    with io.TextIOWrapper(io.BytesIO(), encoding) as output:
        monkeypatch.setattr("sys.stdout", output)
        assert command.main(["list"]) == 0
        output.flush()
        assert b"?ucja" in output.buffer.getvalue()


def test_the_command_takes_a_password_to_sign_in_with(world, capsys, monkeypatch):
    password = "correct horse battery"
    status, out, err = _run(
        world, capsys, monkeypatch, "make", "Ada", "--scopes", "operate", "--password", typed=password
    )
    assert (status, out) == (0, "") and password not in err
    assert world.client.post("/v1/session", json={"name": "Ada", "password": password}).status_code == 201


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [(["make", "door", "--scopes", "everything"], None, "scopes are some of"),
     (["make", " ", "--scopes", "people"], None, "name"),
     (["make", "door", "--scopes", "people", "--expires", "2001-01-01"], None, "past"),
     (["make", "door", "--scopes", "people", "--days", "-1"], None, "--days"),
     (["make", "door", "--scopes", "people", "--password"], "short", "10 to"), (["revoke", "nobody"], None, "no key")],
)  # fmt: skip
def test_what_the_command_cannot_do_it_says_and_makes_nothing(world, capsys, monkeypatch, arguments, typed, said):
    status, out, err = _run(world, capsys, monkeypatch, *arguments, typed=typed)
    assert status == 1 and out == "" and said in err and "Traceback" not in err
    assert len(_run(world, capsys, monkeypatch, "list")[1].splitlines()) == 1


def test_a_key_is_text_that_no_shell_and_no_header_minds(world, operator):
    for number in range(20):
        answer = world.client.post("/v1/keys", json={"name": str(number), "scopes": ["people"]}, headers=operator)
        secret = answer.json["secret"]
        assert (
            json.dumps(secret) == f'"{secret}"'
            and len(secret) == 47
            and set(secret) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        )
