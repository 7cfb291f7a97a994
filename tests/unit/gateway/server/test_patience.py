"""A thread works only for a request that is there as a whole, and nobody waits for whoever is slow, or for a queue."""

import pytest
from served_app import GET, HEAD, Client, Served, serving, wait_until

WHOLE = HEAD + b"Content-Length: 3\r\n\r\nabc"
STALLED = {
    "nothing": b"",
    "half of a line": b"GET /pictu",
    "half of a head": HEAD + b"X: ",
    "no body": HEAD + b"Content-Length: 50000\r\n\r\n",
    "three bytes of a body": HEAD + b"Content-Length: 50000\r\n\r\nabc",
    "half of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1388\r\nhe",
    "no last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


def stalled(served: Served, count: int) -> list[Client]:
    """Open so many connections of all kinds of clients that say no more."""
    kinds = list(STALLED.values())
    return [served.client().send(kinds[number % len(kinds)]) for number in range(count)]


def test_two_hundred_clients_that_say_no_more_hold_up_nobody():
    with serving(threads=1, waiting=1) as served:
        clients = stalled(served, 200)
        served.app.go_on.set()
        for _ in range(10):
            assert served.ask(GET).status == 200
            assert served.ask(WHOLE).status == 200
        assert len(served.app.asked) == 20
        assert not any(client.has_ended() for client in clients)
        for client in clients:
            client.socket.close()


@pytest.mark.parametrize("kind", [kind for kind in STALLED if kind != "nothing"])
def test_whoever_says_no_more_is_told_so_in_the_end(kind: str):
    with serving(head_s=0.2, body_s=0.2) as served, served.client() as client:
        answer = client.send(STALLED[kind]).answer()
        assert answer.status == 408 and answer.error["code"] == "request_timeout" and not answer.error["retryable"]
        assert client.socket.recv(1) == b"" and served.app.asked == []


@pytest.mark.parametrize("kind", [kind for kind in STALLED if kind != "nothing"])
def test_a_byte_now_and_then_is_not_enough(kind: str):
    with serving(head_s=0.3, body_s=0.3) as served, served.client() as client:
        client.send(STALLED[kind])
        drop = b"1\r\na\r\n" if kind == "no last chunk" else b"a"

        def drips() -> bool:
            client.send(drop)
            return not client.is_silent()

        wait_until(drips, "the client is told")
        assert served.app.asked == [] and [status for _, status in served.refused] == [408]


def test_a_large_body_may_take_the_time_that_its_bytes_take():
    with serving(body_s=0.2, slowest_bytes_per_s=1_000) as served, served.client() as client:
        served.app.go_on.set()
        client.send(HEAD + b"Content-Length: 60000\r\n\r\n", b"a" * 50_000)  # 50 s more for these
        # Another one, which had no more than these 0.2 s, has been told so before the rest comes.
        assert served.ask(STALLED["three bytes of a body"]).status == 408
        assert client.send(b"a" * 10_000).answer().status == 200


def test_a_connection_without_a_request_ends_quietly():
    with serving(head_s=0.2, idle_s=1) as served, served.client() as new, served.client() as used:
        assert used.send(GET).answer().status == 200
        assert new.socket.recv(1) == b"" and used.socket.recv(1) == b""


def test_beyond_the_queue_the_answer_is_503_at_once_and_whoever_only_looks_is_answered():
    with serving(threads=2, waiting=3) as served:
        working = [served.client().send(WHOLE) for _ in range(2)]
        wait_until(lambda: served.app.inside == 2, "both threads work")
        waiting = [served.client().send(WHOLE) for _ in range(3)]

        def full() -> bool:
            answer = served.ask(b"POST /pictures HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            return answer.status == 503

        wait_until(full, "the queue is full")
        for _ in range(5):
            answer = served.ask(WHOLE)
            assert answer.status == 503 and answer.error["code"] == "busy" and answer.error["retryable"]
            assert int(answer.headers["retry-after"]) >= 1
            assert served.ask(GET).status == 200
            assert served.ask(b"GET /others HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        assert served.app.inside == 2
        served.app.go_on.set()
        assert [client.answer().status for client in working + waiting] == [200] * 5
        assert served.ask(WHOLE).status == 200


def test_a_connection_goes_on_after_a_refusal_whatever_was_left_of_its_body():
    with serving(threads=1, waiting=0) as served, served.client() as client:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        large = HEAD + b"Content-Length: 1500000\r\n\r\n"
        assert client.send(large, b"a" * 500_000).answer().status == 503
        assert client.send(b"a" * 1_000_000, GET).answer().status == 200
        served.app.go_on.set()
        assert working.answer().status == 200
        wait_until(lambda: client.send(WHOLE).answer().status == 200, "the thread is free")


def test_whoever_does_not_wait_as_told_is_not_listened_to_for_a_while():
    with serving(threads=1, waiting=0, rest_s=3_600.0) as served, served.client() as hasty, served.client() as other:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        assert hasty.send(WHOLE).answer().status == 503
        hasty.send(GET)
        for _ in range(20):
            assert other.send(GET).answer().status == 200
        assert hasty.is_silent()
        hasty.reset()
        served.app.go_on.set()
        assert working.answer().status == 200


def test_whoever_is_told_to_wait_again_and_again_is_answered_again_and_again():
    with serving(threads=1, waiting=0, rest_s=0.01, longest_rest_s=0.03) as served, served.client() as hasty:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        assert [hasty.send(WHOLE).answer().status for _ in range(10)] == [503] * 10
        served.app.go_on.set()
        assert working.answer().status == 200
        wait_until(lambda: hasty.send(WHOLE).answer().status == 200, "the thread is free")


def test_whoever_waits_for_too_long_is_told_to_come_back():
    with serving(threads=1, waiting=2, wait_s=0.2) as served:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        answer = served.ask(WHOLE)
        assert answer.status == 503 and answer.headers["retry-after"]
        served.app.go_on.set()
        assert working.answer().status == 200  # longer than anybody waits, but it had its turn
        assert len(served.app.asked) == 1


def test_nothing_is_done_for_a_client_that_is_gone_when_its_turn_comes():
    with serving(threads=1, waiting=2) as served:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        gone = [served.client().send(WHOLE) for _ in range(2)]
        wait_until(lambda: served.ask(WHOLE).status == 503, "both wait")
        for client in gone:
            client.reset()
        wait_until(lambda: served.connections == 1, "the server knows that they are gone")
        assert served.ask(GET).status == 200  # and has had a turn to draw its conclusions
        served.app.go_on.set()
        assert working.answer().status == 200 and served.ask(WHOLE).status == 200
        assert len(served.app.asked) == 3 and served.app.inside == 0


def test_a_client_that_does_not_take_its_answer_holds_no_thread_and_ends():
    with serving(write_s=0.5) as served:
        slow = [served.client().send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        for _ in range(5):  # one thread is all that this lane has
            assert served.ask(b"GET /others HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        for client in slow:
            with pytest.raises((AssertionError, ConnectionError)):
                wait_until(lambda c=client: len(c._rest) > 19_000_000 or c._receive(), "all of it is here")


def test_a_stream_ends_with_its_client_and_with_the_server():
    with serving() as served:
        for leave in ("reset", "stop"):
            client = served.client().send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.answer().headers["transfer-encoding"] == "chunked"
            wait_until(lambda c=client: b"first" in c._rest or c._receive(), "the first part is here")
            before = served.app.streams_ended
            if leave == "reset":
                client.reset()
            else:
                served.app.go_on.set()
            wait_until(lambda b=before: served.app.streams_ended == b + 1, "the stream has ended")
        wait_until(lambda: client._rest.endswith(b"0\r\n\r\n") or client._receive(), "the last part is here")
        assert b"last" in client._rest


def test_one_connection_too_many_ends_the_one_that_has_been_silent_the_longest():
    with serving(connections=20) as served:
        served.app.go_on.clear()
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        clients = stalled(served, 19)
        assert served.ask(GET).status == 200
        wait_until(clients[0].has_ended, "the oldest has ended")
        assert not clients[-1].has_ended()
        for _ in range(40):
            clients += stalled(served, 1)
            assert served.ask(GET).status == 200
        served.app.go_on.set()
        assert working.answer().status == 200  # what is being answered is never ended
        for client in clients:
            client.socket.close()


def test_a_stop_lets_answers_finish_and_says_so_to_whom_it_cannot_wait_for(caplog):
    with serving(stop_s=1) as served:
        working = served.client().send(WHOLE)
        wait_until(lambda: served.app.inside == 1, "the thread works")
        coming = served.client().send(STALLED["three bytes of a body"])
        silent = served.client()
        served.server.should_exit = True
        for client in (working, coming):
            answer = client.answer()
            assert answer.status in (408, 503) and answer.error["code"] in ("request_timeout", "unavailable")
        assert silent.socket.recv(1) == b"" and not served.app.streams_ended
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
