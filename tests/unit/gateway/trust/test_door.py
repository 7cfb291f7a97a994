"""The port for http: the root certificate, how to trust it in the reader's language, and the way to https."""

import hashlib
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from familiar.settings import Settings
from familiar_gateway import web
from familiar_gateway.trust import door, wording
from familiar_gateway.trust.keeper import Keeper

STATIC = Path(web.__file__).parents[1] / "static"
SYSTEMS = ("android", "ios", "windows", "macos", "linux")
AGENTS = {
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36": "android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1": "ios",
    "Mozilla/5.0 (iPad; CPU OS 15_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1": "ios",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0": "windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15": "macos",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": "linux",
    "curl/8.5.0": None,
}


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    folder = tmp_path_factory.mktemp("trust")
    return Keeper(
        Settings(
            host="127.0.0.1", https_names="familiar.lan", authority_dir=folder / "a", certificates_dir=folder / "c"
        )
    )


def test_prometheus_is_told_when_the_certificate_ends_and_that_there_is_none(tmp_path: Path) -> None:
    keeper = Keeper(Settings(authority_dir=tmp_path / "a", certificates_dir=tmp_path / "c"))
    asking = door.create(keeper, 8443).test_client()

    def told() -> float:
        (found,) = re.findall(
            r"^familiar_certificate_ends_seconds (\S+)$", asking.get("/certificate/metrics").text, re.M
        )
        return float(found)

    assert told() == keeper.ends_at > 0
    for damage in (b"?", None):
        file = tmp_path / "c" / "server.pem"
        file.write_bytes(damage) if damage else file.unlink()
        assert told() == 0


@pytest.fixture
def client(keeper: Keeper) -> FlaskClient:
    return door.create(keeper, 8443).test_client()


class Document(HTMLParser):
    """Which elements a page has, and whether each that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def leaves(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its place."""
    if isinstance(texts, str):
        yield path, texts
    for key, value in texts.items() if isinstance(texts, dict) else enumerate(texts) if isinstance(texts, list) else ():
        yield from leaves(value, f"{path}.{key}")


def languages_of_the_page() -> set[str]:
    """Return the languages that the big page has texts in: the one of its document, and what is named after one."""
    found = {re.search(r'<html lang="(\w+)"', (STATIC / "docs.html").read_text())[1]}  # type: ignore[index]
    for file in STATIC.rglob("*texts*"):
        text = file.read_text() if file.is_file() else ""
        found |= set(re.findall(r"^(?:export const |  )?([a-z]{2})(?: =|:) \{", text, re.M))
    found |= {m[1] for file in STATIC.rglob("*.js") if (m := re.fullmatch(r"(?:texts[.-])?([a-z]{2})\.js", file.name))}
    return found


def test_the_page_speaks_every_language_that_the_big_one_speaks() -> None:
    assert set(wording.TEXTS) >= languages_of_the_page() | {"en", "de", "es", "fr"}
    assert next(iter(wording.TEXTS)) == "en"


@pytest.mark.parametrize("language", wording.TEXTS)
def test_every_language_has_the_same_texts(language: str) -> None:
    own, english = dict(leaves(wording.TEXTS[language])), dict(leaves(wording.TEXTS["en"]))
    assert own.keys() == english.keys()
    assert all(text.strip() == text and text for text in own.values())
    same = {key for key in own if own[key] == english[key] and ".name" not in key and ".steps.0" not in key}
    assert language == "en" or same == set()


@pytest.mark.parametrize("language", wording.TEXTS)
def test_the_page_tells_for_every_system_how_to_trust_the_root(
    language: str, client: FlaskClient, keeper: Keeper
) -> None:
    answer = client.get(f"/certificate?lang={language}", headers={"Host": "familiar.lan:8080"})
    assert answer.status_code == 200 and answer.mimetype == "text/html"
    document = Document(answer.text)
    assert ("html", {"lang": language}) in document.elements
    assert [its["id"] for tag, its in document.elements if tag == "details"] == list(SYSTEMS)
    for _, text in leaves(wording.TEXTS[language]):
        if not text.startswith(wording.TEXTS[language]["then"]["unnamed"]):
            assert text.replace("&", "&amp;").replace("'", "&#39;") in answer.text
    assert keeper.authority.fingerprint in answer.text
    assert "https://familiar.lan:8443/" in answer.text
    assert all(name in answer.text for name in keeper.names)


def test_everything_that_the_page_names_is_there_and_nothing_is_inline(client: FlaskClient) -> None:
    answer = client.get("/certificate", headers={"Host": "elsewhere.example"})
    document = Document(answer.text)
    for tag, its in document.elements:
        assert tag not in ("script", "style") and not any(key == "style" or key.startswith("on") for key in its)
        address = its.get("href") or its.get("src") or ""
        if address.startswith("/"):
            assert client.get(address).status_code == 200, address
        else:
            assert not address.startswith("http")  # the host is not one that the certificate names
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr", "fr"), ("it,es;q=0.3", "es"), ("xx", "en"), ("", "en"), ("*", "en")],
)
def test_the_readers_language_is_taken(accepted: str, language: str, client: FlaskClient) -> None:
    answer = client.get("/certificate?lang=..%2Fen", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize("agent", AGENTS)
def test_the_readers_system_is_open(agent: str, client: FlaskClient) -> None:
    document = Document(client.get("/certificate", headers={"User-Agent": agent}).text)
    is_open = {its["id"] for tag, its in document.elements if tag == "details" and "open" in its}
    assert is_open == ({AGENTS[agent]} if AGENTS[agent] else set(SYSTEMS))


def test_the_root_that_is_downloaded_is_the_one_whose_fingerprint_is_shown(client: FlaskClient, keeper: Keeper) -> None:
    der, pem = client.get("/certificate/familiar-root.crt"), client.get("/certificate/familiar-root.pem")
    assert der.mimetype == "application/x-x509-ca-cert"
    assert hashlib.sha256(der.data).hexdigest().upper() == keeper.authority.fingerprint.replace(":", "")
    assert ssl.PEM_cert_to_DER_cert(pem.text) == der.data
    for answer in (der, pem):
        assert answer.headers["Content-Disposition"].startswith("attachment") and b"PRIVATE" not in answer.data


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("asked", "led_to"),
    [("/", "/"), ("/docs", "/docs"), ("/v1/people?limit=5&offset=10", "/v1/people?limit=5&offset=10"),
     ("/a%20b%2Bc/%C3%A4?q=%C3%A4+b%26", "/a%20b+c/%C3%A4?q=%C3%A4+b%26"), ("/%25", "/%25"),
     ("/%5Cevil.example", "/%5Cevil.example"), ("/a%0D%0AX:b", "/a%0D%0AX:b"), ("/?", "/"), ("/docs/", "/docs/")],
)  # fmt: skip
def test_everything_else_is_led_to_https_at_the_same_place(
    method: str, asked: str, led_to: str, client: FlaskClient
) -> None:
    answer = client.open(asked, method=method, headers={"Host": "familiar.lan:8080"})
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://familiar.lan:8443{led_to}"


def test_a_path_that_looks_like_a_host_stays_a_path(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": "localhost"}, environ_overrides={"PATH_INFO": "//evil.example/x"})
    assert answer.status_code == 308 and answer.headers["Location"] == "https://localhost:8443//evil.example/x"


@pytest.mark.parametrize(
    ("host", "led_to"),
    [("localhost", "localhost"), ("LOCALHOST:8080", "localhost"), ("127.0.0.1:80", "127.0.0.1"),
     ("[::1]:8080", "[::1]"), ("[::1]", "[::1]"), ("familiar.lan", "familiar.lan")],
)  # fmt: skip
def test_the_host_that_was_asked_is_led_to(host: str, led_to: str, client: FlaskClient, keeper: Keeper) -> None:
    assert client.get("/x", headers={"Host": host}).headers["Location"] == f"https://{led_to}:8443/x"
    usual = door.create(keeper, 443).test_client()
    assert usual.get("/x", headers={"Host": host}).headers["Location"] == f"https://{led_to}/x"


@pytest.mark.parametrize(
    "host", ["evil.example", "familiar.lan.evil.example", "192.168.9.9:8080", "", "familiar.lan@evil.example",
             "[::2]:1", "familiar.lan:8080:1", "a b", "evil.example:x"]
)  # fmt: skip
def test_nobody_is_led_where_the_certificate_does_not_hold(host: str, client: FlaskClient) -> None:
    answer = client.get("/x", headers={"Host": host})
    assert answer.status_code == 403 and "Location" not in answer.headers
    assert answer.get_json()["error"]["code"] == "host_not_allowed"
    page = client.get("/certificate", headers={"Host": host})
    assert page.status_code == 200 and "HTTPS_NAMES" in page.text and 'href="https' not in page.text


def test_what_a_host_is_called_is_not_taken_for_html(client: FlaskClient) -> None:
    assert "<script" not in client.get("/certificate", headers={"Host": "<script>alert(1)</script>"}).text


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "X-API-KEY"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_key_that_came_over_http_is_refused_and_not_led_on(header: str, method: str, client: FlaskClient) -> None:
    said = {"Host": "localhost", header: "Bearer abc", "X-Request-Id": "door-7"}
    answer = client.open("/v1/people", method=method, headers=said)
    error = answer.get_json()["error"]
    assert answer.status_code == 403 and error["code"] == "https_required"
    assert error["request_id"] == answer.headers["X-Request-Id"] == "door-7"


def test_the_door_is_served_with_the_patience_of_the_gateway(keeper: Keeper) -> None:
    stopping = threading.Event()
    intake = door.before(door.create(keeper, 8443), replace(Settings(), max_body_bytes=1_000), stopping)
    assert intake.limits == door.LIMITS and intake.certificate is None
    assert intake.lane_of("GET", "/certificate")[1] == 1_000
