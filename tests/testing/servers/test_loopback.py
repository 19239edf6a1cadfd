"""The loopback server: what it says, how it fails, and what it remembers, seen by a plain HTTP client."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request

import pytest

from harness.testing import Call, Step, in_turn, serve


def post(url: str, body: bytes = b"{}", path: str = "/v1", **headers: str) -> tuple[int, bytes]:
    """Post something and return the status and the body."""
    request = urllib.request.Request(f"{url}{path}", data=body, headers={"Content-Type": "application/json"} | headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_steps_are_answered_in_turn_and_the_last_of_them_from_then_on() -> None:
    """A body is JSON or bytes; status, headers and content type are as told."""
    steps = (Step({"a": "猫"}), Step(b"plain", status=429, headers={"Retry-After": "3"}, content_type="text/plain"))
    with serve(in_turn(*steps)) as server:
        status, body = post(server.url)
        assert (200, {"a": "猫"}) == (status, json.loads(body))
        assert (429, b"plain") == post(server.url) == post(server.url)


def test_every_call_is_remembered_as_it_came() -> None:
    """Numbered from 0, headers in small letters, JSON parsed where it says that it is JSON."""
    with serve(lambda call: Step({"number": call.number})) as server:
        post(server.url, b'{"q": [1]}', "/a?b=c", Authorization="Bearer x")
        post(server.url, b"\xff\x00", **{"Content-Type": "application/octet-stream"})
        first, second = server.calls
    assert (0, "POST", "/a?b=c", {"q": [1]}, "Bearer x") == (
        first.number, first.method, first.path, first.body, first.headers["authorization"],
    )  # fmt: skip
    assert (1, None, b"\xff\x00") == (second.number, second.body, second.raw)
    assert first.at <= second.at


def test_a_connection_is_lost_where_the_script_says() -> None:
    """In the middle of the body, or before any answer."""
    with serve(in_turn(Step(b"x" * 100).cut_after(10), Step(drop=True))) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            post(server.url)
        assert 10 == len(caught.value.partial)
        with pytest.raises((http.client.RemoteDisconnected, urllib.error.URLError, ConnectionError)):
            post(server.url)


def test_a_slow_answer_is_slow() -> None:
    """Before the first byte, and between the bytes."""
    with serve(in_turn(Step(b"x").after(0.2), Step(b"xyz").dripping(0.1))) as server:
        for _ in range(2):
            began = time.monotonic()
            assert 200 == post(server.url)[0]
            assert time.monotonic() - began >= 0.2


def test_it_knows_how_many_calls_were_open_at_once() -> None:
    """Three that wait for each other."""
    together = threading.Barrier(3, timeout=20)

    def meet(_: Call) -> Step:
        together.wait()
        return Step({})

    with serve(meet) as server:
        threads = [threading.Thread(target=post, args=(server.url,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (3, 0, 3) == (server.most_at_once, server.open_now, len(server.calls))


def test_it_is_gone_with_its_block() -> None:
    """And nobody else answers there."""
    with serve(in_turn(Step({}))) as server:
        url = server.url
    with pytest.raises(urllib.error.URLError):
        post(url)
