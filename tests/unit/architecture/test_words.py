"""What has one place of its own is found when it is forgotten there: codes, settings, metrics, events.

The texts of the page are looked after by ``tests/unit/gateway/web/test_page.py``.
"""

import ast
import re
from collections.abc import Iterator

from architecture.rooms import ROOT, modules
from familiar.codes import CODES
from familiar.settings import Settings
from familiar_gateway.enrolling.events import Event
from familiar_gateway.operating.models import _REFUSAL
from familiar_gateway.web.errors import _HTTP_CODES

_API = (ROOT / "docs" / "api.md").read_text()
_OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
_EMBEDDED_ONLY = {"FAMILIAR_STATE", "REDIS_PORT", "SERVING_PORT", "SERVING_REST_PORT"}
_METRIC = re.compile(r"\bfamiliar_[a-z]+(?:_[a-z]+)*\b")
_SUFFIX = re.compile(r"_(total|bucket|count|sum|created)$")


def _codes_in(tree: ast.Module) -> Iterator[str]:
    """Yield what is given as ``code=``, stands in a class as its ``code``, or is assigned to a name ``code``."""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            values = [each.value for each in node.keywords if each.arg == "code"]
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                target, value = target.elts[0], value.elts[0]
            values = [value] if isinstance(target, ast.Name) and target.id == "code" else []
        yield from (each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_every_code_that_is_used_is_in_its_one_place_and_none_else() -> None:
    used = {code for path in modules().values() for code in _codes_in(ast.parse(path.read_text()))}
    used |= set(_HTTP_CODES.values()) | {code for code, _ in _REFUSAL.values()}
    assert used == set(CODES)


def test_the_page_of_the_api_shows_every_code_with_when_it_is_said() -> None:
    shown = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", _API.partition("\n## Codes\n")[2], re.M))
    assert shown == dict(CODES)


def test_the_example_file_shows_every_setting_with_its_meaning_and_default_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    shown = re.findall(r"^# (.+)\n#([A-Z_]+)=(.*)$", example, re.M)
    settings = {env: (meaning, default) for env, default, meaning in Settings.describe()}
    assert {env: (meaning, default) for meaning, env, default in shown if env in settings} == settings
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.M)) - settings.keys() == _EMBEDDED_ONLY


def test_every_metric_is_explained_to_operators_and_the_boards_ask_for_no_other() -> None:
    source = modules()["familiar_gateway.operating.metrics"].read_text()
    names = set(re.findall(r'"(familiar_\w+)"', source))
    watched = _OPERATIONS.partition("\n| watch | because |\n")[2].partition("\n\n")[0]
    assert names == set(_METRIC.findall(watched))
    asked = [*(ROOT / "deploy" / "grafana").rglob("*.json"), *(ROOT / "deploy" / "prometheus").rglob("*.yml")]
    used = {_SUFFIX.sub("", name) for path in asked for name in _METRIC.findall(path.read_text())}
    assert used - names == set()


def test_every_event_is_explained() -> None:
    assert all(f"`{event.value}`" in _API for event in Event)
