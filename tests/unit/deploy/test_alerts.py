"""Alerts and the operators' board ask for what is measured; each alert is tried, that it comes and that it does not."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fakes import FakeQueue
from familiar.records import Database
from familiar.records.migrate import migrate
from familiar.settings import Settings
from familiar_gateway.operating import Metrics
from familiar_gateway.trust import door
from familiar_gateway.trust.keeper import Keeper

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
TRIALS = Path(__file__).parent / "alerts.yml"
BOARD = ROOT / "deploy" / "grafana" / "boards" / "familiar.json"
_SERVING = ROOT / "services/modelserver/src/familiar_modelserver/metrics.py"
_OURS = re.compile(r"\bfamiliar_[a-z_]+")
_SELECTED = re.compile(r"\b(familiar_[a-z_]+)\{([^}]*)\}")


def rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict]:
    return json.loads(BOARD.read_text())["panels"]


def questions() -> list[str]:
    """Return everything that is asked of Prometheus, by rules and board."""
    return [rule["expr"] for rule in rules()] + [target["expr"] for each in panels() for target in each["targets"]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a gateway says of itself, everything counted once."""
    url = f"sqlite:///{tmp_path_factory.mktemp('metrics') / 'familiar.db'}"
    database = Database(url)
    migrate(database)
    folder = tmp_path_factory.mktemp("kept")
    metrics = Metrics(database, FakeQueue())
    metrics.count_request("POST", "/v1/recognize", 200, 0.1)
    metrics.count_recognition(["known"], ["blurred"], {"detect": 10.0})
    metrics.count_frames(["accepted"])
    settings = Settings(authority_dir=folder / "a", certificates_dir=folder / "c")
    certificate = door.create(Keeper(settings), 8443).test_client().get("/certificate/metrics")
    yield metrics.render().decode() + certificate.text
    database.close()


def test_every_measurement_that_is_asked_for_is_one_that_is_taken(measured: str) -> None:
    declared = dict(re.findall(r"^# TYPE (\S+) (\w+)$", measured, re.M))
    taken = set(declared)
    for name, kind in declared.items():
        if kind == "histogram":
            taken |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
    asked = {name for question in questions() for name in _OURS.findall(question)}
    assert len(asked) >= 10
    assert asked <= taken
    for name in {name for question in questions() for name in re.findall(r"serving:(\w+)", question)}:
        assert name in _SERVING.read_text()


def test_every_word_that_is_asked_for_is_one_that_is_said(measured: str) -> None:
    addresses = json.loads((ROOT / "services/gateway/src/familiar_gateway/static/openapi.json").read_text())["paths"]
    for name, selected in (found for question in questions() for found in _SELECTED.findall(question)):
        for label, sign, value in re.findall(r'(\w+)(=~?)"([^"]*)"', selected):
            assert re.search(rf"^{name}(_\w+)?\{{[^}}]*\b{label}=", measured, re.M), (name, label)
            if label == "route":
                assert value in {*addresses, "none"}
            elif label != "code":  # of which there are as many as HTTP has
                for word in value.split("|") if sign == "=~" else [value]:
                    assert re.search(rf'^{name}\{{[^}}]*\b{label}="{word}"', measured, re.M), (name, label, word)


def test_every_alert_says_how_urgent_it_is_and_what_is_the_matter() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 8
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "look")
        assert len(rule["annotations"]["summary"]) > 20


def test_every_alert_is_tried_that_it_comes_and_that_it_does_not() -> None:
    tried: dict[str, set[bool]] = {rule["alert"]: set() for rule in rules()}
    for test in yaml.safe_load(TRIALS.read_text())["tests"]:
        for trial in test["alert_rule_test"]:
            tried[trial["alertname"]].add(bool(trial["exp_alerts"]))
    assert {name for name, outcomes in tried.items() if outcomes != {True, False}} == set()


def test_what_the_operators_should_see_is_on_the_board() -> None:
    shown = " ".join(target["expr"] for each in panels() for target in each["targets"])
    for name in ("recognitions_total", "rejected_faces_total", "enrollment_frames_total", "queue_oldest_seconds",
                 "recognition_stage_seconds_bucket", "head_version", "part_up", "erasures_open"):  # fmt: skip
        assert f"familiar_{name}" in shown
    assert len({each["id"] for each in panels()}) == len(panels())
    places = [
        {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        for at in (each["gridPos"] for each in panels())
    ]
    assert sum(map(len, places)) == len(set().union(*places)), "two panels lie on each other"
    assert all(x < 24 for place in places for x, _ in place)


@pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool here")
def test_prometheus_itself_says_that_each_alert_comes_when_it_should(tmp_path: Path) -> None:
    for file in (RULES, TRIALS):
        shutil.copy(file, tmp_path)
    done = subprocess.run(
        ["promtool", "test", "rules", TRIALS.name], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(ROOT / "deploy" / "prometheus" / "prometheus.yml", tmp_path)
    # Any file that is here will do for that of the key.
    config = (
        (tmp_path / "prometheus.yml")
        .read_text()
        .replace("/etc/prometheus/", "")
        .replace("/run/familiar-key", "rules.yml")
    )
    (tmp_path / "prometheus.yml").write_text(config)
    checked = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_end_of_the_certificate_is_told(measured: str) -> None:
    (told,) = re.findall(r"^familiar_certificate_ends_seconds (\S+)$", measured, re.M)
    assert 29 < (float(told) - time.time()) / 86_400 < 31
