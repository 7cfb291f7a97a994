"""The file of whom to tell: read strictly, and no secret of it in any message."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from familiar.errors import MisconfiguredError
from familiar.records import Event, Known
from familiar_gateway.messenger.instructions import Broker, Rule, Webhook, read
from receiver import SECRET, WRITTEN

HOOK = {"webhook": "https://door.example/hook/s3cret", "secret": WRITTEN}


def said(folder: Path, text: str) -> Path:
    path = folder / "events.yml"
    path.write_text(text)
    return path


def test_the_example_of_the_documentation_is_read(tmp_path):
    page = (Path(__file__).parents[4] / "docs" / "events.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    secrets = {name: tmp_path / name for name in ("door-secret", "mqtt-password")}
    secrets["door-secret"].write_text(WRITTEN + "\n")
    secrets["mqtt-password"].write_text("pass\n")
    for name, path in secrets.items():
        example = example.replace(f"/events/{name}", str(path))
    told = read(said(tmp_path, example))
    door, home = told.destinations
    assert isinstance(door, Webhook) and door.secret == SECRET
    assert isinstance(home, Broker) and (home.tls, home.port, home.password) == (True, 8883, "pass")
    assert len(told.rules) == 3 and told.address.startswith("https://")


def test_a_broker_may_be_named_with_user_and_password_in_the_address(tmp_path):
    (its,) = read(said(tmp_path, "destinations: {home: {mqtt: 'mqtt://me:a%40b@broker:1884'}}")).destinations
    assert (its.host, its.port, its.user, its.password, its.tls) == ("broker", 1884, "me", "a@b", False)
    assert (its.topic, its.discovery) == ("familiar", None)
    assert "a@b" not in repr(its)


@pytest.mark.parametrize("text", [
    "", "- a", "destinations: {}", "destinations: []", "destinations: {door: {}}", "nothing: 1", "a: [", "\x00",
    "destinations: {Door: {webhook: 'https://s3cret', secret: SECRET}}",
    "destinations: {1: {webhook: 'https://s3cret', secret: SECRET}}",
    "destinations: {door: {webhook: 'https://s3cret', mqtt: 'mqtt://s3cret', secret: SECRET}}",
    "destinations: {door: {webhook: 'https://s3cret/x'}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: s3cret}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: whsec_s3cret}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: 12}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret_file: /nowhere/s3cret}}",
    "destinations: {door: {webhook: 'https://me:s3cret@x/', secret: SECRET}}",
    "destinations: {door: {webhook: 'ftp://s3cret', secret: SECRET}}",
    "destinations: {door: {webhook: 's3cret', secret: SECRET}}",
    "destinations: {door: {webhook: 'https://s3cret:99999', secret: SECRET}}",
    "destinations: {door: {webhook: 'https://[s3cret', secret: SECRET}}",
    "destinations: {door: {webhook: 'https://a b/s3cret', secret: SECRET}}",
    "destinations: {door: {webhook: ['https://s3cret'], secret: SECRET}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: SECRET, deadline_s: 0}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: SECRET, deadline_s: 21}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: SECRET, deadline_s: true}}",
    "destinations: {door: {webhook: 'https://s3cret/x', secret: SECRET, retries: 3}}",
    "destinations: {home: {mqtt: 'mqtt://me:s3cret@h/path'}}",
    "destinations: {home: {mqtt: 'http://s3cret'}}",
    "destinations: {home: {mqtt: 'mqtt://h', topic: 'a/#'}}",
    "destinations: {home: {mqtt: 'mqtt://h', topic: '/a'}}",
    "destinations: {home: {mqtt: 'mqtt://h', discovery: true}}",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: {}",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [all]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{tell: door}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{what: seen}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{camera: 7}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{camera: []}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{days: monday}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hours: 22-6}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hours: '22:00-24:30'}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hour: '22:00-06:00'}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\naddress: s3cret",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hours: '08:00-08:00'}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hours: '00:00-00:00'}]",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{camera: \"a\\u0007b\"}]",
    "destinations: {home: {mqtt: 'mqtt://h'}, home: {mqtt: 'mqtt://s3cret'}}",
    "destinations: {home: {mqtt: 'mqtt://h', mqtt: 'mqtt://s3cret'}}",
    "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{tell: home}]\nrules: [{who: unknown}]",
    "destinations: {home: {mqtt: 'mqtt://h', password: s3cret}}",
    "destinations: {home: {mqtt: 'mqtt://:s3cret@h'}}",
    "destinations: {home: {webhook:https://s3cret}}",
    "destinations: {home: {webhook: 'https://h', webhook:https://s3cret}}",
    "destinations: {https://s3cret: {mqtt: 'mqtt://h'}}",
    "destinations: {home: {mqtt_file: /nowhere/s3cret}}",
    "destinations: {door: {webhook: \"https://h/\\u0007s3cret\", secret: SECRET}}",
    "[" * 4000,
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_without_showing_what_it_says(tmp_path, text):
    with pytest.raises(MisconfiguredError) as refused:
        read(said(tmp_path, text.replace("SECRET", WRITTEN)))
    assert "s3cret" not in str(refused.value) and WRITTEN not in str(refused.value)
    assert "EVENTS_FILE" in str(refused.value)


def test_addresses_may_stand_in_files_of_their_own(tmp_path):
    for name, text in (("hook", HOOK["webhook"]), ("secret", WRITTEN), ("broker", "mqtts://me:s3cret@broker")):
        (tmp_path / name).write_text(text + "\n")
    text = f"""
    destinations:
      door: {{webhook_file: {tmp_path}/hook, secret_file: {tmp_path}/secret}}
      home: {{mqtt_file: {tmp_path}/broker}}
    """
    door, home = read(said(tmp_path, text)).destinations
    assert isinstance(door, Webhook) and door.address == HOOK["webhook"]
    assert isinstance(home, Broker) and (home.host, home.user, home.password) == ("broker", "me", "s3cret")


def test_a_name_that_stands_twice_is_told_by_its_line(tmp_path):
    text = "destinations:\n  home: {mqtt: 'mqtt://h'}\n  home: {mqtt: 'mqtt://i'}\n"
    with pytest.raises(MisconfiguredError, match=r"a name stands twice in one place \(line 3\)"):
        read(said(tmp_path, text))


def test_names_in_rules_are_those_that_are_kept_however_they_are_typed(tmp_path):
    rules = f"[{{camera: 'Ku\u0308che ', who: [' Jose\u0301  X ', {ADA.id}]}}]"
    (rule,) = read(said(tmp_path, f"destinations: {{home: {{mqtt: 'mqtt://h'}}}}\nrules: {rules}")).rules
    assert rule.camera == {"K\u00fcche"} and rule.who == {"Jos\u00e9 X", ADA.id}


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MisconfiguredError, match=r"EVENTS_FILE: .*: No such file"):
        read(tmp_path / "nothing.yml")


def event(camera: str | None = "door", kind: str = "person_seen") -> Event:
    return Event(kind=kind, camera=camera)


ADA = Known("a" * 32, "Ada")


@pytest.mark.parametrize(("rule", "camera", "person", "moment", "fits"), [
    (Rule(), None, None, "2026-11-26T12:00", True),
    (Rule(camera=frozenset({"door"})), "door", None, "2026-11-26T12:00", True),
    (Rule(camera=frozenset({"door"})), "Door", None, "2026-11-26T12:00", False),
    (Rule(camera=frozenset({"door"})), None, None, "2026-11-26T12:00", False),
    (Rule(who=frozenset({"unknown"})), "door", None, "2026-11-26T12:00", True),
    (Rule(who=frozenset({"unknown"})), "door", ADA, "2026-11-26T12:00", False),
    (Rule(who=frozenset({"known"})), "door", ADA, "2026-11-26T12:00", True),
    (Rule(who=frozenset({"Ada"})), "door", ADA, "2026-11-26T12:00", True),
    (Rule(who=frozenset({"a" * 32})), "door", ADA, "2026-11-26T12:00", True),
    (Rule(who=frozenset({"Grace"})), "door", ADA, "2026-11-26T12:00", False),
    (Rule(what=frozenset({"unknown_seen"})), "door", ADA, "2026-11-26T12:00", False),
    (Rule(days=frozenset({"thu"})), "door", ADA, "2026-11-26T12:00", True),
    (Rule(days=frozenset({"fri", "sat"})), "door", ADA, "2026-11-26T12:00", False),
    (Rule(hours=(time(8), time(12))), "door", ADA, "2026-11-26T12:00", False),
    (Rule(hours=(time(8), time(12))), "door", ADA, "2026-11-26T08:00", True),
    (Rule(hours=(time(22), time(6))), "door", ADA, "2026-11-26T23:00", True),
    (Rule(hours=(time(22), time(6))), "door", ADA, "2026-11-26T05:59", True),
    (Rule(hours=(time(22), time(6))), "door", ADA, "2026-11-26T12:00", False),
])  # fmt: skip
def test_a_rule_is_for_what_fits_all_that_it_says(rule, camera, person, moment, fits):
    assert rule.fits(event(camera), person, datetime.fromisoformat(moment).replace(tzinfo=UTC)) is fits


def test_hours_may_end_at_midnight(tmp_path):
    text = "destinations: {home: {mqtt: 'mqtt://h'}}\nrules: [{hours: '20:00-24:00'}]"
    (rule,) = read(said(tmp_path, text)).rules
    assert rule.fits(event(), None, datetime(2026, 11, 26, 23, 59, 59, tzinfo=UTC))
    assert not rule.fits(event(), None, datetime(2026, 11, 26, 0, 0, tzinfo=UTC))
