"""What is not HTTP, or does not come to its end, is refused in the one error body and never reaches the application."""

import errno
import random

import pytest
from served_app import GET, HEAD, Served, serving, wait_until

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
START = b"GET /alive HTTP/1.1\r\nHost: localhost\r\n"

NOT_HTTP = {
    "a chunk of ZZ bytes": (CHUNKED + b"ZZ\r\n", 400),
    "a chunk of minus one bytes": (CHUNKED + b"-1\r\n", 400),
    "a chunk of no number": (CHUNKED + b"\r\n\r\n", 400),
    "a chunk of 0x5 bytes": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk of too many digits": (CHUNKED + b"1" * 30 + b"\r\n", 400),
    "a chunk extension of 100 kB": (CHUNKED + b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk extension without an end": (CHUNKED + b"5;" + b"a" * 100_000, 400),
    "a chunk that is longer than it says": (CHUNKED + b"5\r\nhello, world\r\n0\r\n\r\n", 400),
    "trailers of 200 kB": (CHUNKED + b"0\r\n" + b"a: b\r\n" * 40_000 + b"\r\n", 400),
    "a body in crumbs": (CHUNKED + b"1\r\na\r\n" * 5_000, 400),
    "another coding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "two codings": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    "chunks and a coding": (HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
    "a coding twice": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "no coding": (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 400),
    "an empty coding": (HEAD + b"Transfer-Encoding:\r\n\r\n", 400),
    "a coding and a length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length that is a word": (HEAD + b"Content-Length: x\r\n\r\n", 400),
    "a length below zero": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "a length of 40 digits": (HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400),
    "a length that is too much": (HEAD + b"Content-Length: 2000001\r\n\r\n", 413),
    "a length of 19 digits": (HEAD + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n", 413),
    "chunks that are too much": (CHUNKED + b"200000\r\n" + b"a" * 0x200000 + b"\r\n0\r\n\r\n", 413),
    "an address of 70 kB": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "an address without an end": (b"GET /" + b"a" * 70_000, 414),
    "a field of 100 kB": (START + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    "a field without an end": (START + b"X: " + b"a" * 100_000, 431),
    "500 fields": (START + b"".join(b"X%d: a\r\n" % number for number in range(500)) + b"\r\n", 431),
    "60,000 fields": (START + b"a:b\r\n" * 60_000 + b"\r\n", 431),
    "no host": (b"GET /alive HTTP/1.1\r\n\r\n", 400),
    "two hosts": (START + b"Host: other\r\n\r\n", 400),
    "a field without a colon": (START + b"nothing\r\n\r\n", 400),
    "a blank before a colon": (START + b"X : a\r\n\r\n", 400),
    "a zero byte in a field": (START + b"X: a\0b\r\n\r\n", 400),
    "a carriage return in a field": (START + b"X: a\rb\r\n\r\n", 400),
    "a zero byte in the address": (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "letters beyond ASCII in the address": ("GET /ä HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
    "a method that is none": (b"G<T /alive HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no version": (b"GET /alive\r\n\r\n", 400),
    "a version that is none": (b"GET /alive HTTP/one\r\nHost: x\r\n\r\n", 400),
    "words": (b"hello, is there anybody?\r\n\r\n", 400),
    "a carriage return before a request": (b"\r" + GET, 400),
    "a blank before a request": (b" " + GET, 400),
    "a whole address without a host": (b"GET http:///alive HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a whole address and no Host": (b"GET http://localhost/alive HTTP/1.1\r\n\r\n", 400),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, 400),
}


@pytest.fixture(scope="module")
def served():
    """Serve for all tests that leave it as it was; whatever reaches the lane for pictures is answered at once."""
    with serving() as its:
        its.app.go_on.set()
        yield its


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_refused_with_a_code_and_a_sentence(served: Served, name: str, caplog):
    data, status = NOT_HTTP[name]
    before = len(served.app.asked)
    for sent in ([data], pieces_of(data, 7_001) if len(data) > 1_000 else pieces_of(data, 3)):
        answer = served.ask(*sent)
        assert answer.status == status and not answer.error["retryable"]
        assert answer.headers["content-type"] == "application/json"
    assert len(served.app.asked) == before and not caplog.records
    assert served.ask(GET).status == 200


def test_each_refusal_is_counted(served: Served):
    before = len(served.refused)
    served.ask(CHUNKED + b"ZZ\r\n")
    served.ask(HEAD + b"Content-Length: 2000001\r\n\r\n")
    assert served.refused[before:] == [("other", 400), ("POST", 413)]


def test_random_bytes_are_refused_or_answered_and_nothing_breaks(served: Served, caplog):
    chance = random.Random(7)
    whole = CHUNKED + b"5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX: y\r\n\r\n"
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 1, 4))] = chance.randbytes(chance.choice((0, 1, 1, 9)))
        with served.client() as client:
            client.send(bytes(data))
            client.socket.shutdown(1)
            answer = client.answer()
        assert answer.status == 200 or (400 <= answer.status < 500 and answer.error)
    assert not caplog.records and served.ask(GET).status == 200


def test_one_refusal_is_enough(caplog):
    with serving(body_s=0.1, linger_s=0.5) as served, served.client() as client:
        assert client.send(CHUNKED + b"ZZ\r\n").answer().status == 400
        wait_until(lambda: served.connections == 0, "its time is over in every way")
        assert [status for _, status in served.refused] == [400]
    assert not caplog.records


def test_who_has_gone_when_it_is_to_be_refused_is_no_defect(served: Served, caplog, monkeypatch):
    def gone(_: object) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr("asyncio.selector_events._SelectorSocketTransport.write_eof", gone)
    for data in (b"ZZ\r\n\r\n", GET + b"ZZ\r\n\r\n", HEAD + b"Content-Length: 3\r\n\r\nabcZZ\r\n\r\n"):
        with served.client() as client:
            client.send(data)
            assert client.answer().status == (400 if data.startswith(b"ZZ") else 200)
    wait_until(lambda: served.connections == 0, "they have been let go")
    assert not caplog.records and served.ask(GET).status == 200


def test_half_a_request_is_refused_when_its_client_ends_and_a_whole_one_answered(served: Served):
    for data in (b"GET /al", START, HEAD + b"Content-Length: 9\r\n\r\nhalf", CHUNKED + b"5\r\nhe"):
        with served.client() as client:
            client.send(data).socket.shutdown(1)
            assert client.answer().status == 400
    with served.client() as client:
        client.send(GET).socket.shutdown(1)
        assert client.answer().status == 200
    with served.client() as client:
        client.socket.shutdown(1)
        assert client.socket.recv(1) == b""


def test_several_requests_of_one_connection_are_answered_in_turn(served: Served):
    with served.client() as client:
        client.send(GET, GET + GET, HEAD + b"Content-Length: 3\r\n\r\nabc" + GET)
        assert [client.answer().status for _ in range(5)] == [200] * 5
    assert served.app.bodies[-2] == b"abc"


@pytest.mark.parametrize("blank", [b"\r\n", b"\n", b"\r\n" * 3])
def test_blank_lines_before_a_request_are_no_part_of_it(served: Served, blank: bytes):
    body = HEAD + b"Content-Length: 3\r\n\r\nabc"
    with served.client() as client:
        client.send(*pieces_of(blank + GET + blank, 1))
        client.send(body + blank + GET, blank)
        assert [client.answer().status for _ in range(3)] == [200] * 3
        assert client.send(GET).answer().status == 200
    assert served.app.bodies[-4:] == [b"", b"abc", b"", b""]


def test_whoever_sends_nothing_but_blank_lines_is_not_waited_for_longer():
    with serving(head_s=0.3) as served, served.client() as client:
        client.send(b"\r\n\r\n")
        assert client.socket.recv(1) == b""


@pytest.mark.parametrize(
    ("address", "host", "path", "query"),
    [
        (b"http://localhost/alive?a=b", "localhost", "/alive", "a=b"),
        (b"HTTP://other.example:8080/alive", "other.example:8080", "/alive", ""),
        (b"https://[::1]:80/", "[::1]:80", "/", ""),
        (b"http://localhost", "localhost", "/", ""),
        (b"http://localhost?a=http://b/c", "localhost", "/", "a=http://b/c"),
        (b"http://a@localhost/x", "a@localhost", "/x", ""),
        (b"/http://evil.example/x", "said", "/http://evil.example/x", ""),
    ],
)
def test_a_whole_address_says_host_and_path(served: Served, address: bytes, host: str, path: str, query: str):
    assert served.ask(b"GET " + address + b" HTTP/1.1\r\nX-A: 1\r\nHost: said\r\nX-A: 2\r\n\r\n").status == 200
    said = served.app.asked[-1]
    assert (said["HTTP_HOST"], said["PATH_INFO"], said["QUERY_STRING"]) == (host, path, query)
    assert said["HTTP_X_A"] == "1,2"


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_or_refused(served: Served):
    expects = HEAD + b"Expect: 100-continue\r\nContent-Length: "
    with served.client() as client:
        assert client.send(expects + b"3\r\n\r\n").answer().status == 100
        assert client.send(b"abc").answer().status == 200
    with served.client() as client:
        refused = client.send(expects + b"3000000\r\n\r\n").answer()
        assert refused.status == 413 and refused.headers["connection"] == "close"


SMUGGLED = b"".join(
    name + b"\r\n"
    for name in (
        b"SCRIPT_NAME: /alive", b"Script-Name: /alive", b"X-Script-Name: /alive", b"X-Forwarded-Prefix: /alive",
        b"PATH_INFO: /x", b"REMOTE_ADDR: 10.0.0.1", b"REMOTE_USER: root", b"SERVER_NAME: evil.example",
        b"HTTP_HOST: evil.example", b"wsgi.url_scheme: https", b"wsgi_url_scheme: https", b"X-Forwarded-Proto: https",
        b"X-Forwarded-For: 10.0.0.1", b"X_Forwarded_For: 10.0.0.2", b"Content_Length: 5", b"CONTENT_TYPE: image/jpeg",
        b"Proxy: x",
    )
)  # fmt: skip


def test_no_header_changes_what_wsgi_says_of_the_request_itself(served: Served):
    assert served.ask(b"GET /alive/v1/people?a=b HTTP/1.1\r\nHost: localhost\r\n" + SMUGGLED + b"\r\n").status == 200
    said = served.app.asked[-1]
    assert said["SCRIPT_NAME"] == "" and said["PATH_INFO"] == "/alive/v1/people" and said["QUERY_STRING"] == "a=b"
    assert said["REMOTE_ADDR"] == "127.0.0.1" and said["wsgi.url_scheme"] == "http" and said["HTTP_HOST"] == "localhost"
    assert said["SERVER_NAME"] == "127.0.0.1" and "CONTENT_LENGTH" not in said and "CONTENT_TYPE" not in said
    plain = {"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT",
             "SERVER_PROTOCOL", "REMOTE_ADDR"}  # fmt: skip
    others = {name for name in said if not name.startswith("wsgi.")} - plain
    assert others == {"HTTP_HOST", "HTTP_SCRIPT_NAME", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR",
                      "HTTP_X_FORWARDED_PREFIX", "HTTP_X_SCRIPT_NAME", "HTTP_PROXY"}  # fmt: skip


def test_a_body_is_there_whole_with_its_length_however_it_came(served: Served):
    for sent in (HEAD + b"Content-Length: 600000\r\n\r\n" + b"a" * 600_000, CHUNKED + b"927c0\r\n" + b"a" * 600_000 +
                 b"\r\n0\r\n\r\n", CHUNKED + (b"3e8\r\n" + b"a" * 1_000 + b"\r\n") * 600 + b"0\r\n\r\n"):  # fmt: skip
        assert served.ask(*pieces_of(sent, 50_021)).status == 200
        assert served.app.bodies[-1] == b"a" * 600_000 and served.app.asked[-1]["CONTENT_LENGTH"] == "600000"


def test_paths_are_passed_on_as_they_were_sent(served: Served):
    served.ask(b"GET /%C3%A4%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert served.app.asked[-1]["PATH_INFO"] == "/\xc3\xa4\xff\0"


def test_a_defect_of_the_application_is_a_500_without_what_it_was(served: Served, caplog):
    answer = served.ask(b"GET /fails HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 500 and answer.error["code"] == "internal" and b"defect" not in answer.body
    assert [record.exc_info is not None for record in caplog.records] == [True]
