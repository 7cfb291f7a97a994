"""What has one place of its own is found when it is forgotten there: codes, settings, metrics, events.

What boards and alerts ask for is looked after by ``tests/system/test_config.py``, the texts of the page by
``tests/unit/gateway/web/test_page.py``.
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
_EMBEDDED_ONLY = {"FAMILIAR_STATE", "SERVING_PORT", "SERVING_REST_PORT"}
_METRIC = re.compile(r"\bfamiliar_[a-z]+(?:_[a-z]+)*\b")
_CALLED = ("code", "error_code")
_MAY_READ_THE_ENVIRONMENT = {
    "familiar.settings",
    "familiar_gateway.__main__",  # where several processes share their metrics
    "familiar_gateway.operating.metrics",
    "familiar_gateway.enrolling.videos",  # hands it on to the process that reads a video
}


def _codes_in(tree: ast.Module) -> Iterator[str]:
    """Yield what is given as ``code=``, or assigned to something called ``code`` or ``error_code``, however deep."""
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            values = [each.value for each in node.keywords if each.arg in _CALLED]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target, value = node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                target, value = target.elts[0], value.elts[0]
            named = getattr(target, "id", getattr(target, "attr", None))
            values = [value] if named in _CALLED else []
        for value in values:
            if isinstance(value, ast.Name):
                value = constants.get(value.id)
            branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            found = (each.value for each in branches if isinstance(each, ast.Constant))
            yield from (each for each in found if isinstance(each, str))


def test_every_code_that_is_used_is_in_its_one_place_and_none_else() -> None:
    used = {code for path in modules().values() for code in _codes_in(ast.parse(path.read_text()))}
    used |= set(_HTTP_CODES.values()) | {code for code, _ in _REFUSAL.values()}
    assert used <= set(CODES), f"add to familiar/codes.py, with when it is said: {sorted(used - set(CODES))}"
    assert set(CODES) <= used, f"not said any more, take it out of familiar/codes.py: {sorted(set(CODES) - used)}"


def test_codes_are_found_however_they_are_given() -> None:
    source = """
FAR = "far"
raise Conflict("no", code=FAR)
raise Conflict("no", code="a" if x else "b")
class Lost(Conflict):
    code: str = "lost"
row.error_code, why = "gone", "it is gone"
"""
    assert set(_codes_in(ast.parse(source))) == {"far", "a", "b", "lost", "gone"}


def test_the_page_of_the_api_shows_every_code_with_when_it_is_said() -> None:
    shown = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", _API.partition("\n## Codes\n")[2], re.M))
    missing = [f"| `{code}` | {when} |" for code, when in CODES.items() if shown.get(code) != when]
    assert not missing, "put into the table of docs/api.md, under Codes:\n" + "\n".join(missing)
    assert set(shown) == set(CODES), f"not said any more, take it out of docs/api.md: {sorted(set(shown) - set(CODES))}"


def test_the_example_file_shows_every_setting_with_its_meaning_and_default_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = [
        f"# {meaning}\n#{env}={default}"
        for env, default, meaning in Settings.describe()
        if f"\n# {meaning}\n#{env}={default}\n" not in example
    ]
    assert not missing, "put into .env.example:\n" + "\n".join(missing)
    others = set(re.findall(r"^#?([A-Z_]+)=", example, re.M)) - {env for env, _, _ in Settings.describe()}
    assert others == _EMBEDDED_ONLY, f"no setting any more, take it out of .env.example: {others - _EMBEDDED_ONLY}"


def test_settings_are_read_in_one_place() -> None:
    readers = {
        name
        for name, path in modules().items()
        if name.startswith(("familiar.", "familiar_gateway.")) and re.search(r"os\.(environ|getenv)", path.read_text())
    }
    assert readers <= _MAY_READ_THE_ENVIRONMENT, f"a setting belongs into familiar/settings.py: {readers}"


def test_every_metric_is_explained_to_operators_and_no_other() -> None:
    gateway = "".join(path.read_text() for name, path in modules().items() if name.startswith("familiar_gateway"))
    names = set(re.findall(r'"(familiar_[a-z_]+)"', gateway))
    watched = set(_METRIC.findall(_OPERATIONS.partition("\n| watch | because |\n")[2].partition("\n\n")[0]))
    assert names <= watched, f"say in docs/operations.md, What to watch, what tells: {sorted(names - watched)}"
    assert watched <= names, f"no metric any more, take it out of docs/operations.md: {sorted(watched - names)}"


def test_every_event_is_explained_and_sent_from_its_one_place() -> None:
    shown = set(re.findall(r"`(\w+)`", _API.partition("The stream has the events ")[2].partition(".")[0]))
    events = {event.value for event in Event}
    assert shown == events, f"docs/api.md says of the stream {sorted(shown)}, and it has {sorted(events)}"
    tellers = [name for name, path in modules().items() if re.search(r"\bTold\(", path.read_text())]
    assert tellers == ["familiar_gateway.enrolling.events", "familiar_gateway.events.routes"]
