"""Forty ways to answer badly, through both SDKs: each ends in a score or a reason, soon, and in little memory."""

import gzip
import itertools
import json
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import JudgeUnavailableError
from harness.testing.servers import gemini, openai
from harness.types import Verdict
from judges.gemini import open_gemini
from judges.openai import open_openai
from tests.judges.served import answer, sample, spec
from tests.patience import PATIENCE
from tests.remote.conftest import CANARY
from tests.servers.raw import (
    RawServer,
    chunked,
    deflate_bomb,
    dripping,
    gzip_bomb,
    lines_without_end,
    response,
    serve_raw,
    silence,
)

WIRES: dict[str, Any] = {"gemini": gemini, "openai": openai}
OPEN = {"gemini": open_gemini, "openai": open_openai}
TIMEOUT = 0.4
MOST_BYTES = 200_000
SCORE = '{"reason": "理由", "score": 4}'


@dataclass(frozen=True)
class Case:
    """``send`` makes the bytes of one reply; ``ends`` is the status of the verdict, ``reason`` a part of its reason."""

    send: Callable[[str], Iterator[bytes]]
    ends: str = "error"
    reason: str = ""


def good(wire: str, text: str | None = SCORE, **changed: Any) -> bytes:
    """A sound body, with some of its parts exchanged."""
    body = dict(WIRES[wire].reply(text).body)
    return json.dumps(body | changed, ensure_ascii=False).encode()


def whole(make: Callable[[str], bytes], **options: Any) -> Callable[[str], Iterator[bytes]]:
    """A reply with a body that depends on the wire."""
    return lambda wire: iter([response(make(wire), **options)])


def plain(body: bytes, **options: Any) -> Callable[[str], Iterator[bytes]]:
    """The same reply on both wires."""
    return lambda _: iter([response(body, **options)])


def counts(value: str) -> Callable[[str], bytes]:
    """A sound reply with token counts that are none; the value is JSON's text."""

    def make(wire: str) -> bytes:
        names = (
            ("promptTokenCount", "candidatesTokenCount") if wire == "gemini" else ("prompt_tokens", "completion_tokens")
        )
        usage = "{" + ", ".join(f'"{name}": {value}' for name in names) + "}"
        name = "usageMetadata" if wire == "gemini" else "usage"
        return good(wire, **{name: "HERE"}).replace(b'"HERE"', usage.encode())

    return make


def content(value: Any) -> Callable[[str], bytes]:
    """A reply whose text is something else than a string."""

    def make(wire: str) -> bytes:
        if wire == "gemini":
            parts = value if isinstance(value, list) else [{"text": value}]
            return good(wire, candidates=[{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}])
        return good(
            wire, choices=[{"index": 0, "message": {"role": "assistant", "content": value}, "finish_reason": "stop"}]
        )

    return make


def finish(reason: Any) -> Callable[[str], bytes]:
    """A sound reply that ended for a reason that nobody knows."""
    return lambda wire: WIRES[wire].reply(SCORE, finish=reason).payload


def none_at_all(wire: str) -> bytes:
    return (gemini.no_candidates() if wire == "gemini" else openai.no_choices()).payload


def half_a_character(wire: str) -> bytes:
    """A reason with a lone surrogate and a NUL."""
    return good(wire, SCORE.replace("理", "HALF")).replace(b"HALF", rb"\ud800\u0000")


def too_many(after: str, body: bytes = b"{}") -> Callable[[str], Iterator[bytes]]:
    """A refusal with an odd time to come back."""
    return plain(body, status="429 Too Many Requests", headers={"retry-after": after})


def refusal(status: str, body: Any) -> Callable[[str], Iterator[bytes]]:
    """An error with an odd body."""
    return plain(body if isinstance(body, bytes) else json.dumps(body).encode(), status=status)


def endless(part: bytes) -> Callable[[str], Iterator[bytes]]:
    return lambda _: chunked(itertools.repeat(part))


IN_PARTS = [{"type": "text", "text": SCORE[:9]}, {"type": "text", "text": SCORE[9:]}]
UNHASHABLE = {"error": {"code": [1], "type": {}}}
DEEP = b"[" * 100_000
DETAILS = {"error": {"code": 429, "message": "m", "status": "S", "details": [{"violations": 5, "retryDelay": [1]}]}}
TWICE = {"content-encoding": "gzip, gzip"}
CASES = {
    "redirect to another host": Case(
        plain(b"", status="307 Temporary Redirect", headers={"location": f"http://u:{CANARY}@elsewhere.example/x?k=1"}),
        reason="HTTP 307 sends the call on to elsewhere.example;",
    ),
    "redirect to nowhere": Case(plain(b"", status="302 Found"), reason="HTTP 302 sends the call on to another place"),
    "redirect to rubbish": Case(plain(b"", status="308 X", headers={"location": "http://[::1"}), reason="HTTP 308"),
    "not modified": Case(plain(b"", status="304 Not Modified"), reason="HTTP 304"),
    "body without end": Case(endless(b" " * 50_000), reason="reply too long: more than 200000 bytes"),
    "body of one long line": Case(plain(b"x" * 300_000), reason="reply too long"),
    "announced as endless": Case(plain(b"{}", headers={"content-length": str(10**15)}), reason="broken reply"),
    "gzip bomb": Case(plain(gzip_bomb(100), headers={"content-encoding": "gzip"}), reason="reply too long"),
    "deflate bomb": Case(plain(deflate_bomb(100), headers={"content-encoding": "deflate"}), reason="reply too long"),
    "gzip bomb in an error": Case(
        plain(gzip_bomb(100), status="500 X", headers={"content-encoding": "gzip"}), reason="server error: HTTP 500"
    ),
    "packed twice": Case(plain(gzip.compress(gzip_bomb(100)), headers=TWICE), reason="packed more than once"),
    "not packed as it says": Case(plain(b"{}", headers={"content-encoding": "gzip"}), reason="broken reply"),
    "packed in the unknown": Case(whole(good, headers={"content-encoding": "snappy"}), "scored"),
    "a header line now and then": Case(lambda _: lines_without_end(0.1), reason="timed out"),
    "headers without end": Case(lambda _: lines_without_end(0)),
    "a byte of the body now and then": Case(
        lambda wire: dripping(response(good(wire)), 0.05, 8), reason="timed out"
    ),
    "nothing at all": Case(lambda _: silence(2.0), reason="timed out"),
    "go on, go on": Case(lambda _: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), reason="timed out"),
    "another protocol": Case(plain(b"", status="101 Switching Protocols", headers={"upgrade": "x"})),
    "no HTTP": Case(lambda _: iter([b"SSH-2.0-OpenSSH_9.0\r\n"]), reason="broken reply"),
    "status 999": Case(plain(b"{}", status="999 X"), reason="HTTP 999"),
    "no content": Case(lambda _: iter([b"HTTP/1.1 204 No Content\r\n\r\n"])),
    "half a reply": Case(lambda wire: iter([response(good(wire))[:-40]]), reason="broken reply"),
    "half a JSON": Case(whole(lambda wire: good(wire)[:-9]), reason="broken reply"),
    "two lengths": Case(lambda wire: iter([response(good(wire)).replace(b"\r\n", b"\r\ncontent-length: 3\r\n", 1)])),
    "a chunk of no size": Case(
        lambda _: iter([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"]), reason="broken reply"
    ),
    "HTTP/1.0 without length": Case(
        lambda wire: iter([b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n", good(wire)]), "scored"
    ),
    "chunks": Case(lambda wire: chunked(iter([good(wire)[:50], good(wire)[50:]])), "scored"),
    "an error in chunks": Case(lambda _: chunked(iter([b"{", b"}"]), "503 X"), reason="server error: HTTP 503"),
    "negative tokens": Case(whole(counts("-1000000000000")), "scored"),
    "more tokens than there are": Case(whole(counts("1000000000000")), "scored"),
    "tokens in words": Case(whole(counts('"x"')), "scored"),
    "tokens that are true": Case(whole(counts("true")), "scored"),
    "tokens that are no number": Case(whole(counts("NaN")), "scored"),
    "broken tokens": Case(whole(counts("1.5")), "scored"),
    "tokens without end": Case(whole(counts("9" * 4000)), "scored"),
    "tokens in a table": Case(whole(counts('{"a": [1]}')), "scored"),
    "come back in words": Case(too_many("in a little while"), reason="rate limited"),
    "come back yesterday": Case(too_many("-86400"), reason="rate limited"),
    "come back in the year 9999": Case(too_many("Fri, 31 Dec 9999 23:59:59 GMT"), reason="rate limited"),
    "come back in no year": Case(too_many("Mon, 99 Foo 0000 99:99:99 +9999"), reason="rate limited"),
    "come back at nan": Case(too_many("nan"), reason="rate limited"),
    "come back at the end of time": Case(too_many("1" + "0" * 400), reason="rate limited"),
    "five violations": Case(refusal("429 X", DETAILS), reason="rate limited: HTTP 429"),
    "an error that is a list": Case(refusal("429 X", [DETAILS, 5]), reason="rate limited: HTTP 429"),
    "an error that is null": Case(refusal("500 X", None), reason="server error: HTTP 500"),
    "an error that is a number": Case(refusal("503 X", {"error": 5}), reason="server error: HTTP 503"),
    "an error of errors": Case(refusal("503 X", {"error": {"error": {"code": {}}, "code": {"a": []}, "type": []}})),
    "an error in HTML": Case(refusal("502 X", b"<html>\x1b]0;gone\x07</html>"), reason="server error: HTTP 502"),
    "an error that is no text": Case(refusal("429 X", b"\xff\xfe\x00" * 9), reason="rate limited: HTTP 429"),
    "an error of great depth": Case(refusal("429 X", DEEP), reason="rate limited: HTTP 429"),
    "codes that cannot be hashed": Case(refusal("429 X", UNHASHABLE), reason="rate"),
    "great depth": Case(plain(DEEP), reason="broken reply"),
    "a list of parts": Case(whole(content(IN_PARTS)), "scored"),
    "no text": Case(whole(content(None)), "unscored", reason="empty reply"),
    "a number for a text": Case(whole(content(4)), reason="broken reply"),
    "nothing to choose": Case(whole(none_at_all), "unscored", reason="empty reply"),
    "an unknown end": Case(whole(finish("ENLIGHTENMENT")), "scored"),
    "HTML that is JSON": Case(whole(good, content_type="text/html"), "scored"),
    "a content type from nowhere": Case(whole(good, content_type="\x07;;=;"), "scored"),
    "a text encoding that unpacks": Case(whole(good, content_type="application/json; charset=zlib"), "scored"),
    "a text encoding that is none": Case(whole(good, content_type="application/json; charset=utf-99"), "scored"),
    "no UTF-8": Case(whole(lambda wire: good(wire).replace("理".encode(), b"\xff\xfe")), reason="reply: not UTF-8"),
    "everything twice": Case(whole(lambda wire: b'{"candidates": 5, "choices": 5, ' + good(wire)[1:]), "scored"),
    "half a character": Case(whole(half_a_character), "scored"),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _traced() -> Iterator[None]:
    """Memory is measured by Python's own count."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def judged(wire: str, server: RawServer, **settings: Any) -> Verdict:
    """The verdict of a judge on a server; a judge that gives up says why."""
    table = {"timeout": TIMEOUT, "attempts": 2, "max_reply_bytes": MOST_BYTES, "in_flight": 2} | settings
    judge = OPEN[wire](spec(wire, server.url, **table))
    try:
        return judge.judge(sample(3), answer(3))
    except JudgeUnavailableError as error:
        return Verdict.failed(error.message)


@pytest.mark.parametrize("wire", ["gemini", "openai"])
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_server(name: str, wire: str) -> None:
    """Whatever a server sends, there is a score or a reason, within the time of the tries, and memory stays small."""
    case = CASES[name]
    with serve_raw(lambda: case.send(wire)) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK warns of ends that it does not know
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        started = time.monotonic()
        verdict = judged(wire, server)
        seconds = time.monotonic() - started
        peak = tracemalloc.get_traced_memory()[1] - before
    assert (case.ends, 4.0 if case.ends == "scored" else None) == (verdict.status, verdict.score), verdict
    if case.ends != "scored":
        assert verdict.reason
        assert case.reason in verdict.reason
    assert seconds < PATIENCE
    assert peak < 12 << 20
    assert CANARY not in str(verdict)
    str(verdict).encode()  # what is to be stored is proper Unicode
