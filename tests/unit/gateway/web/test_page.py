"""The page: every text it shows is in one list, that list holds nothing else, and no word of the API is forgotten."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rq.worker import WorkerStatus

import familiar_gateway
from familiar.direction import Direction
from familiar.knowing.decision import Status
from familiar.learning.promise import LessSure
from familiar.reason import Reason
from familiar.records import Action, PhotoStage
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import HeadStatus
from familiar.serving.client import VersionState
from familiar_gateway.enrolling.coaching import Advice

_STATIC = Path(familiar_gateway.__file__).parent / "static"
_DOCUMENT = (_STATIC / "docs.html").read_text("utf-8")
_LIST = (_STATIC / "texts.js").read_text("utf-8")
_OTHERS = {path.suffixes[0][1:]: path.read_text("utf-8") for path in _STATIC.glob("texts.*.js")}
_MODULES = {path.name: path.read_text("utf-8") for path in _STATIC.glob("*.js") if not path.name.startswith("texts.")}
_NOT_SHOWN = {
    "Content-Type", "Idempotency-Key", "Retry-After", "X-CSRF-Token", "600 px system-ui, sans-serif",
    "English", "Deutsch", "Español", "Français",  # languages say their names themselves
    "NotAllowedError", "SecurityError", "NotFoundError", "NotReadableError", "AbortError", "OverconstrainedError",
    "actions leaf", "curve before",
    "Escape", "answer ", "button primary", "button large", "button large primary", "tile missing", "nav a, a.door",
}  # fmt: skip
_TEXTS_AS_A_WHOLE = (
    'import { texts } from "./texts.js";',
    "return texts[part][name];",
    "for (const [part, theirs] of Object.entries(translation)) Object.assign(texts[part], theirs);",
)
_NOT_IN_SAFARI_15 = (
    "OffscreenCanvas", "convertToBlob", "roundRect", "Object.hasOwn", "structuredClone", ".at(", ".findLast",
    ".toSorted", "randomUUID", "replaceAll", "requestVideoFrameCallback", "Promise.withResolvers", "scheduler.", "dvh",
    ":has(", "color-mix", "@layer", "@container", "inert",
)  # fmt: skip
"""What Safari has from 15.4 on or later; ``showModal`` has a stand-in."""


def read_list(source: str) -> dict[str, set[str]]:
    """Read part -> keys; the formatter sees to it that indentation tells what is what."""
    parts: dict[str, set[str]] = {}
    for line in source.partition("export const texts = {\n")[2].partition("\n};\n")[0].splitlines():
        if part := re.fullmatch(r"  (\w+): \{", line):
            here = parts[part[1]] = set()
        elif text := re.fullmatch(r"    (\w+):.*", line):
            here.add(text[1])
        else:
            assert re.fullmatch(r"|  \},|  // .*|      .*|    \},?", line), f"what is this line of texts.js? {line!r}"
    return parts


def used_in(source: str) -> tuple[set[str], set[str]]:
    """Return the keys "part.key" that a module names, and the parts it takes as a whole."""
    found = re.findall(r"\btexts\.(?!js\b)(\w+)(?:\.(\w+))?", without_comments(source))
    return {f"{part}.{key}" for part, key in found if key}, {part for part, key in found if not key}


def without_comments(source: str) -> str:
    """Return the code of a module."""
    return re.sub(r"(^|\s)//.*", "", source)


def sentences_in(source: str) -> list[str]:
    """Return what looks like a text in a module: two words side by side, a capital, or the text of an element."""
    code = without_comments(source)
    found = [quoted or re.sub(r"\$\{[^}]*\}", "", made) for quoted, made in re.findall(r'"([^"\n]*)"|`([^`]*)`', code)]
    found = [text for text in found if re.search(r"[^\W\d_] +[^\W\d_]|^[A-Z][a-z]", text)]
    return found + re.findall(r"""element\([^()]*\}, ["`]([^"`]+)""", code)


class Document(HTMLParser):
    """Collects the keys that the document names, and the text that stands in it itself."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.keys: set[str] = set()
        self.text: list[str] = []
        self._silent = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag if tag in ("title", "noscript") else self._silent
        for name, value in attrs:
            if name in ("data-text", "data-label", "data-placeholder"):
                self.keys.add(value or "")
            elif name in ("title", "alt", "placeholder", "aria-label", "value"):
                self.text.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent = "" if tag == self._silent else self._silent

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


_TEXTS = read_list(_LIST)
_KEYS = {f"{part}.{key}" for part, texts in _TEXTS.items() for key in texts}
_USED, _PARTS = (set[str]().union(*found) for found in zip(*map(used_in, _MODULES.values()), strict=True))
_IN_DOCUMENT = Document(_DOCUMENT).keys


def test_every_text_that_is_asked_for_is_in_the_list():
    assert len(_IN_DOCUMENT) > 20 and len(_USED) > 40
    assert sorted(_IN_DOCUMENT - _KEYS) == []
    assert sorted(_USED - _KEYS) == []
    assert sorted(_PARTS - set(_TEXTS)) == []


def test_every_text_in_the_list_is_shown_somewhere():
    of_whole_parts = {key for key in _KEYS if key.partition(".")[0] in _PARTS}
    assert sorted(_KEYS - _USED - _IN_DOCUMENT - of_whole_parts) == []


def test_the_document_has_no_text_of_its_own():
    assert [text for text in Document(_DOCUMENT).text if re.search(r"[^\W\d_]", text)] == []


def test_the_modules_have_no_texts_of_their_own():
    for name, source in _MODULES.items():
        assert set(sentences_in(source)) <= _NOT_SHOWN, name


def test_the_modules_take_texts_by_their_full_names():
    """One that is renamed or unpacked first would not be seen by the tests above."""
    for name, source in _MODULES.items():
        for use in re.findall(r".*\btexts\b(?!\.).*", without_comments(source)):
            assert use.strip() in _TEXTS_AS_A_WHOLE, f"{name}: {use.strip()}"


WORDS = {
    "reason": {*Reason, "invalid_image", "too_large"},
    "decision": set(Status) - {Status.KNOWN},  # shown by the name
    "looking": set(Direction),
    "please": set(Reason) - {Reason.NO_FACE, Reason.SEVERAL_FACES, Reason.NEAR_COPY, Reason.NOT_ALIKE},  # of one face
    "lessSure": set(LessSure),
    "advice": set(Advice),
    "enrolment": {each for each in EnrollmentStatus if not each.takes_frames},  # until then, frames are counted
    "training": set(TrainingKind),
    "stage": set(Stage),
    "head": set(HeadStatus),
    "serving": set(VersionState),
    "audit": set(Action),
    "photoStatus": set(PhotoStage),
    "workerState": {each.value for each in WorkerStatus},
}


@pytest.mark.parametrize("part", WORDS)
def test_every_word_of_the_code_has_a_text_and_no_other(part):
    assert _TEXTS[part] == {str(each) for each in WORDS[part]}


def test_every_part_of_readiness_and_every_timing_has_a_text(world, collins_frames):
    ready = world.client.get("/readyz").json
    assert _TEXTS["readinessPart"] == {each["name"] for each in ready["parts"]}
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg").json
    assert _TEXTS["timing"] == set(answer["timings_ms"])


def test_every_part_and_every_disk_of_the_system_has_a_text(world):
    system = world.client.get("/v1/system").json
    # The messenger shows among what went wrong, and is not asked for its version.
    assert _TEXTS["part"] == {each["name"] for each in system["parts"]} | {"messenger"}
    assert _TEXTS["disk"] == {each["name"] for each in system["disks"]}


def test_every_script_and_style_that_the_page_names_is_served_and_nothing_else_of_the_folder(world):
    named = set(re.findall(r'"docs/([^"]+)"', _DOCUMENT)) | {f"texts.{language}.js" for language in _OTHERS}
    for source in _MODULES.values():
        named |= set(re.findall(r'(?:from |import\()"\./([^"]+)"', source))
    held = {path.name for path in _STATIC.iterdir()}
    assert named == held - {"docs.html", "openapi.json"}
    for name in named:
        answer = world.client.get(f"/docs/{name}")
        assert answer.status_code == 200 and answer.mimetype in ("text/javascript", "text/css")
    for name in ("docs.html", "openapi.json", "nothing.js", "..%2fapp.py", "../app.py", ".", "app.js/"):
        assert world.client.get(f"/docs/{name}").status_code == 404, name


def values_in(source: str) -> dict[str, str]:
    """Return, by "part.key", which values a text of a list takes, in the order of their names."""
    found, part = {}, ""
    for line in source.splitlines():
        if name := re.fullmatch(r"  (\w+): \{", line):
            part = name[1]
        elif text := re.match(r"    (\w+):(?: \(\{(.*?)\}\) =>)?", line):
            found[f"{part}.{text[1]}"] = ",".join(sorted(re.findall(r"(\w+)(?:: \w+)?", text[2] or "")))
    return found


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_every_language_has_every_text_with_the_same_values(language):
    theirs = _OTHERS[language].replace("export const translation", "export const texts")
    assert read_list(theirs) == _TEXTS
    assert values_in(theirs) == values_in(_LIST)
    # The same words would be a text that was forgotten; names, units and words of other systems are the same.
    same = {
        line.strip() for line in set(_LIST.splitlines()) & set(theirs.splitlines())
        if re.search(r'"[^"]*[a-z]{3,} [^"]*[a-z]{3,}', line) and "Ada Lovelace" not in line
    }  # fmt: skip
    assert same == set()
    assert f'{language}: "' in _MODULES["languages.js"]


def test_the_page_asks_for_nothing_that_safari_15_has_not():
    for path in [*_STATIC.glob("*.js"), *_STATIC.glob("*.css")]:
        used = [word for word in _NOT_IN_SAFARI_15 if word in without_comments(path.read_text("utf-8"))]
        assert used == [], path.name


def test_all_addresses_are_relative_and_none_is_elsewhere():
    """So that it works under any path behind a proxy, and nothing that it sees leaves the host."""
    namespaces = "http://www.w3.org/"
    for path in [*_STATIC.glob("*.js"), *_STATIC.glob("*.css"), _STATIC / "docs.html"]:
        source = without_comments(path.read_text("utf-8")).replace(namespaces, "")
        assert "//" not in source.replace("://", "//") or not re.search(r"""https?:|["'(]//""", source), path.name
        assert re.findall(r"""(?:href=|src=|fetch\(|call\("\w+", |EventSource\()["'`]/""", source) == [], path.name


def test_the_first_view_is_small():
    """What comes before anything is opened: the document, its styles, and what `app.js` imports, in any language."""
    needed, todo = set(), ["app.js"]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += re.findall(r'from "\./([^"]+)"', (_STATIC / name).read_text("utf-8"))
    needed |= {"docs.html", *re.findall(r'"docs/([^"]+\.css)"', _DOCUMENT)}
    largest = max(len(each.encode()) for each in _OTHERS.values())
    assert sum((_STATIC / name).stat().st_size for name in needed) + largest < 120_000


def test_what_these_tests_would_find():
    texts = 'export const texts = {\n  a: {\n    b: "c",\n    d: ({ e }) =>\n      `f: ${e}`,\n  },\n};\n'
    assert read_list(texts) == {"a": {"b", "d"}}
    assert used_in("texts.a.b; word(texts.c, d) // texts.a.e") == ({"a.b"}, {"c"})
    assert sentences_in('f("two words", "word", `${a} more words`); g("Word"); element("p", {}, "w") // "no no"') == [
        "two words",
        " more words",
        "Word",
        "w",
    ]
    document = Document('<title>A</title><p data-text="a.b" title="tip">text<b>0</b></p><noscript>B</noscript>')
    assert document.keys == {"a.b"} and document.text == ["tip", "text", "0"]
