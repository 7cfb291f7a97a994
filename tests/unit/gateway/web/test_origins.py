"""Who may ask: our own page and programs, under our own names; no page of another site, and no other name."""

import socket

import pytest

from familiar_gateway.web import Forbidden, Hosts

LOOPBACK = Hosts("127.0.0.1")
ANYWHERE = Hosts("0.0.0.0", ["familiar.example", " Door.lan. ", ""])


def code(hosts, method, host, origin=None, site=None, *, secure=False):
    try:
        hosts.check(method, host, origin, site, secure)
    except Forbidden as exc:
        return exc.code
    return None


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8080", "localhost.", "127.0.0.1:8080", "127.9.9.9", "[::1]:80"]
)
def test_loopback_has_its_names_and_no_other(host):
    assert code(LOOPBACK, "GET", host) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.5", "0.0.0.0",
     "[2001:db8::1]", "familiar.example", "", ":8080", "a b", "user@localhost", "localhost:x", "localhost/x",
     "localhost,evil.example", "[::1", "127.0.0.1:8080:1"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE", "BREW"])
def test_another_host_is_refused_whatever_is_asked(host, method):
    assert code(LOOPBACK, method, host) == "host_not_allowed"


def test_where_every_address_is_listened_on_addresses_and_given_names_are_ours():
    own = socket.gethostname()
    for host in ("10.0.0.5:8080", "[2001:db8::1]", "localhost", "familiar.example", "door.lan:80", own, f"{own}.local"):
        assert code(ANYWHERE, "GET", host) is None, host
    for host in ("evil.example", "x.familiar.example", "familiar.example.evil.example"):
        assert code(ANYWHERE, "GET", host) == "host_not_allowed", host


def test_the_name_or_address_that_is_listened_on_is_ours():
    assert code(Hosts("Familiar.lan"), "GET", "familiar.lan:8080") is None
    assert code(Hosts("10.0.0.5"), "GET", "10.0.0.5:8080") is None
    assert code(Hosts("::1"), "GET", "[::1]:8080") is None
    assert code(Hosts("10.0.0.5"), "GET", "10.0.0.6:8080") == "host_not_allowed"


def test_a_program_says_neither_origin_nor_site_and_a_probe_of_http_1_0_no_host():
    assert code(LOOPBACK, "POST", "localhost:8080") is None
    assert code(LOOPBACK, "GET", None) is None
    assert code(LOOPBACK, "POST", None) is None


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "BREW"])
@pytest.mark.parametrize(
    ("origin", "site"),
    [("http://evil.example", None), ("http://evil.example", "same-origin"), ("null", None), ("", None),
     ("http://127.0.0.1:3000", "same-site"), ("http://127.0.0.1", None), ("http://localhost:8080", None),
     ("file://", None), ("http://127.0.0.1:8080.evil.example", None), ("http://evil@127.0.0.1:8080x", None),
     ("moz-extension://127.0.0.1:8080", None), ("http://[::1", None), (None, "cross-site"), (None, "same-site"),
     ("http://127.0.0.1:8080", "cross-site"), (None, "what")],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing(method, origin, site):
    assert code(LOOPBACK, method, "127.0.0.1:8080", origin, site) == "cross_site"
    for safe in ("GET", "HEAD", "OPTIONS"):
        assert code(LOOPBACK, safe, "127.0.0.1:8080", origin, site) is None


def test_our_own_page_may_behind_a_proxy_too():
    for origin, host in (
        ("http://127.0.0.1:8080", "127.0.0.1:8080"), ("http://localhost", "localhost:80"),
        ("https://familiar.example", "familiar.example"), ("https://familiar.example", "familiar.example:443"),
        ("https://familiar.example:8443", "familiar.example:8443"),
        ("https://familiar.example", "10.0.0.5:8080"),  # a proxy that does not pass the host on
    ):  # fmt: skip
        for site in ("same-origin", "none", None):
            assert code(ANYWHERE, "POST", host, origin, site) is None, (origin, host)
    assert code(ANYWHERE, "POST", "10.0.0.5:8080", "https://other.example") == "cross_site"


CHANGES = [
    ("POST", "/v1/enroll"), ("POST", "/v1/enrollments"), ("POST", "/v1/recognize"), ("POST", "/v1/models/2/rollback"),
    ("DELETE", "/v1/people/" + "0" * 32), ("PATCH", "/v1/people/" + "0" * 32), ("POST", "/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_the_application_refuses_before_anything_else_and_says_why(world, method, path):
    for headers, said in (
        ({"Origin": "http://evil.example"}, "cross_site"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross_site"),
        ({"Host": "evil.example"}, "host_not_allowed"),
    ):
        answer = world.client.open(path, method=method, headers=headers)
        assert answer.status_code == 403 and answer.json["error"]["code"] == said
        assert not answer.json["error"]["retryable"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/v1/people", "/nowhere"]
)
def test_another_name_reads_nothing_either(world, path):
    answer = world.client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 403 and answer.json["error"]["code"] == "host_not_allowed"


def test_a_name_that_a_setting_allows_is_answered(make_world):
    world = make_world(allowed_hosts="other.example, familiar.example", access="open")
    assert world.client.get("/v1/people", headers={"Host": "familiar.example"}).status_code == 200


def test_no_page_of_another_site_may_show_what_is_here(world):
    assert world.client.get("/v1/people").headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("origin", "host"),
    [("https://door.lan:8443", "door.lan:8443"), ("https://door.lan", "door.lan"), ("https://door.lan:443", "door.lan"),
     ("https://192.168.1.20:8443", "192.168.1.20:8443"), ("https://[fd00::2]:8443", "[fd00::2]:8443"),
     ("https://familiar.example", "10.0.0.5:8443"), (None, "door.lan:8443")],
)  # fmt: skip
def test_by_https_our_page_is_that_of_https(method, origin, host):
    assert code(ANYWHERE, method, host, origin, secure=True) is None
    if origin is not None:
        assert code(ANYWHERE, method, host, origin.replace("https:", "http:"), secure=True) == "cross_site"


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://door.lan", "door.lan"),  # whoever is on the way has made that page, at the port for http
     ("http://door.lan:8443", "door.lan:8443"), ("http://familiar.example", "familiar.example:8443"),
     ("https://door.lan", "door.lan:8443"), ("https://door.lan:8080", "door.lan:8443"),
     ("https://door.lan:80", "door.lan"), ("https://evil.example", "door.lan"), ("ftp://door.lan", "door.lan")],
)  # fmt: skip
def test_by_https_another_scheme_or_port_is_another_site(origin, host):
    hosts = Hosts("0.0.0.0", ["familiar.example"]) if "familiar" in host else Hosts("door.lan")
    assert code(hosts, "POST", host, origin, secure=True) == "cross_site"
    assert code(hosts, "GET", host, origin, secure=True) is None
