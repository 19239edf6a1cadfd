"""The application over real HTTP: who gets in, what is refused, and that nothing acknowledged is lost."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.served.app import MOST_BYTES, is_own_host, web_server
from harness.served.desk import Desk
from harness.served.links import Links

LINKS = Links(host="h" * 24, raters={"sato": "s" * 24, "tanaka": "t" * 24})
JSON = {"Content-Type": "application/json"}


@dataclass
class Site:
    """A server in a thread."""

    desk: Desk
    port: int = 0

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, {key.lower(): value for key, value in reply.getheaders()}, text

    def send(self, rater: str, *ratings: dict[str, Any], **headers: str) -> tuple[int, str]:
        body = json.dumps({"page": self.desk.pages[rater].digest, "ratings": ratings})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, text = self.ask("POST", f"/r/{LINKS.raters[rater]}/ratings", body, JSON | named)
        return status, text


@pytest.fixture
def site(desk: Desk) -> Iterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = web_server(desk, LINKS)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield Site(desk=desk, port=listener.getsockname()[1])
    server.should_exit = True
    thread.join(timeout=20)
    listener.close()


def test_each_link_opens_its_own_page(site: Site) -> None:
    """With headers that let nothing else in; the host's page is another link's."""
    status, headers, page = site.ask("GET", f"/r/{LINKS.raters['sato']}")
    assert (200, True, False) == (status, "sato" in page, "tanaka" in page)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("no-store", "no-referrer", "nosniff", "DENY") == tuple(
        headers[name] for name in ("cache-control", "referrer-policy", "x-content-type-options", "x-frame-options")
    )
    assert "server" not in headers
    assert 200 == site.ask("GET", f"/progress/{LINKS.host}")[0]
    assert 204 == site.ask("GET", "/favicon.ico")[0]


ELSEWHERE = ["/", "/r/", "/r/x", f"/r/{'s' * 23}", f"/r/{'h' * 24}", f"/progress/{'s' * 24}", "/progress/",
             f"/r/{'s' * 24}/", f"/r/{'s' * 24}/../../store.sqlite", f"/r/{'s' * 24}/%2e%2e/x", "/docs", "/r/%00",
             "/r/..%2f..%2fetc%2fpasswd", f"/r/{'s' * 24}/ratings/x", "//evil.example/r/x", "/r/%C3%A9%ff"]  # fmt: skip


def test_nothing_else_is_there(site: Site) -> None:
    """No list, no file, no other path; the answer says nothing but its code."""
    found = {path: site.ask("GET", path) for path in ELSEWHERE}
    assert dict.fromkeys(ELSEWHERE, (404, '{"status": 404}')) == {
        path: (status, text) for path, (status, _, text) in found.items()
    }


def test_what_is_sent_is_kept_and_given_back(site: Site) -> None:
    """Acknowledged with its number, and there when the page is opened again."""
    item, other = (one.id for one in site.desk.pages["sato"].items[:2])
    status, text = site.send("sato", {"item": item, "score": 4}, {"item": other, "skip": "other", "comment": "<b>"})
    assert (200, [1, 1]) == (status, [one["number"] for one in json.loads(text)["saved"]])
    found = json.loads(site.ask("GET", f"/r/{LINKS.raters['sato']}/ratings")[2])
    assert site.desk.pages["sato"].digest == found["page"]
    assert {(item, 4.0, None), (other, None, "<b>")} == {
        (one["item"], one.get("score"), one.get("comment")) for one in found["ratings"]
    }
    _, text = site.send("sato", {"item": item, "score": 1})
    assert [4.0] == [one["score"] for one in json.loads(text)["others"]]


def test_two_raters_at_once(site: Site) -> None:
    """Forty messages of two raters side by side: every one acknowledged is in the store."""
    answers: list[tuple[int, str]] = []

    def rate(rater: str) -> None:
        answers.extend(site.send(rater, {"item": one.id, "score": 3}) for one in site.desk.pages[rater].items[:20])

    threads = [threading.Thread(target=rate, args=(rater,)) for rater in LINKS.raters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [200] * 40 == [status for status, _ in answers]
    assert [20, 20] == [len(site.desk.kept(rater)) for rater in LINKS.raters]


def test_other_sites_cannot_send(site: Site) -> None:
    """A form of another site, a page of another origin, a name that somebody has pointed here: refused."""
    item = site.desk.pages["sato"].items[0].id
    here = f"http://127.0.0.1:{site.port}"
    path, body = (
        f"/r/{LINKS.raters['sato']}/ratings",
        json.dumps({"page": site.desk.pages["sato"].digest, "ratings": []}),
    )
    assert 403 == site.ask("POST", path, body, {"Content-Type": "text/plain"})[0]
    assert 403 == site.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})[0]
    assert 403 == site.send("sato", {"item": item, "score": 5}, Origin="https://evil.example")[0]
    assert 403 == site.send("sato", {"item": item, "score": 5}, Origin="null")[0]
    assert 403 == site.send("sato", {"item": item, "score": 5}, Sec_Fetch_Site="cross-site")[0]
    assert 421 == site.send("sato", {"item": item, "score": 5}, Host="evil.example")[0]
    assert 405 == site.ask("OPTIONS", path)[0]
    assert [] == site.desk.kept("sato")
    assert 200 == site.send("sato", {"item": item, "score": 5}, Origin=here, Sec_Fetch_Site="same-origin")[0]


def test_what_is_no_message_is_refused(site: Site) -> None:
    """No JSON, no UTF-8, too deep, of another page, too long: each with its code, and the next one is served."""
    other = '{"page":"x","ratings":[]}'
    bodies = [("{", 400), (b"\xff\xfe", 400), ("[" * 5000, 400), (other, 409), ("x" * (MOST_BYTES + 1), 413)]
    path = f"/r/{LINKS.raters['sato']}/ratings"
    assert [code for _, code in bodies] == [site.ask("POST", path, body, JSON)[0] for body, _ in bodies]


def test_an_endless_body_is_not_read(site: Site) -> None:
    """In chunks, without a length: the server answers, or hangs up, long before it ends."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        head = (
            f"POST /r/{LINKS.raters['sato']}/ratings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        )
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 64 * MOST_BYTES:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
                connection.setblocking(False)
                try:
                    if connection.recv(100):
                        break
                except BlockingIOError:
                    pass
                connection.settimeout(20)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < 16 * MOST_BYTES
    assert 200 == site.ask("GET", f"/r/{LINKS.raters['sato']}")[0]


def test_names_of_this_machine() -> None:
    names = frozenset({"desk", "desk.local"})
    good = ["127.0.0.1:80", "desk", "desk.local:8642", "[fe80::1]", "LOCALHOST"]
    bad = ["", "desk.evil.example", "127.0.0.1.evil.example", "[::1", "a:b:c", "desk@evil.example:1", "1.2.3.4.5"]
    assert [True] * len(good) + [False] * len(bad) == [is_own_host(name, names) for name in (*good, *bad)]
