"""A real HTTP server in a thread, on the loopback, that answers as a script says: with replies and with faults."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request as it arrived. ``number`` counts from 0 over the server's life; ``at`` is monotonic seconds.

    ``body`` is what the JSON of a request says, ``raw`` its bytes, whatever they are.
    """

    number: int
    at: float
    path: str
    headers: Mapping[str, str]
    body: Any
    method: str = "POST"
    raw: bytes = b""


@dataclass(frozen=True)
class Step:
    """How one request is answered.

    ``delay``: seconds before the first byte. ``cut``: close the connection after so many bytes of the body.
    ``drip``: seconds between single bytes of the body. ``drop``: close the connection without an answer.
    """

    body: bytes | Mapping[str, Any] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay: float = 0.0
    cut: int | None = None
    drip: float = 0.0
    drop: bool = False

    def after(self, seconds: float) -> "Step":
        """The same answer, later."""
        return replace(self, delay=seconds)

    def cut_after(self, size: int) -> "Step":
        """The same answer, with the connection lost in the middle."""
        return replace(self, cut=size)

    def dripping(self, seconds: float) -> "Step":
        """The same answer, a byte at a time."""
        return replace(self, drip=seconds)

    def typed(self, content_type: str) -> "Step":
        """The same answer under another content type."""
        return replace(self, content_type=content_type)

    @property
    def payload(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


Script = Callable[[Call], Step]


class Loopback(ThreadingHTTPServer):
    """The server; ``calls`` holds every request so far, ``most_at_once`` the highest number open at a time.

    What it lists as its ``models`` is no call: None lists nothing, as many servers do.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.calls: list[Call] = []
        self.models: list[str] | None = None
        self.open_now = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.over = threading.Event()  # a slow answer ends with the server

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/models"):
            self._answer(_listed(self.server.models, google="x-goog-api-key" in self.headers))
        else:
            self._take()

    def do_POST(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()

    def _take(self) -> None:
        body = self._body()
        with self.server.lock:
            call = Call(
                number=len(self.server.calls),
                at=time.monotonic(),
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=json.loads(body) if body and self._is_json() else None,
                method=self.command,
                raw=body,
            )
            self.server.calls.append(call)
            self.server.open_now += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.open_now)
        try:
            step = self.server.script(call)
            if step.delay:
                self.server.over.wait(step.delay)
        finally:
            with self.server.lock:
                self.server.open_now -= 1
        self._answer(step)

    def _is_json(self) -> bool:
        media = self.headers.get("content-type", "").partition(";")[0].strip()
        return media == "application/json" or media.endswith("+json")

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, step: Step) -> None:
        if step.drop:
            self.close_connection = True
            return
        payload = step.payload
        self.send_response(step.status)
        self.send_header("content-type", step.content_type)
        self.send_header("content-length", str(len(payload)))
        for name, value in step.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if step.drip:
            for index in range(len(payload)):
                self.wfile.write(payload[index : index + 1])
                self.wfile.flush()
                self.server.over.wait(step.drip)
            return
        self.wfile.write(payload[: step.cut])
        if step.cut is not None:
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing."""


def _listed(models: list[str] | None, *, google: bool) -> Step:
    """Return a list of models on a vendor's wire."""
    if models is None:
        return Step({"error": {"code": 404, "message": "no such path", "status": "NOT_FOUND"}}, status=404)
    if google:
        return Step({"models": [{"name": f"models/{name}"} for name in models]})
    return Step({"object": "list", "data": [{"id": name, "object": "model"} for name in models]})


@contextmanager
def serve(script: Script) -> Iterator[Loopback]:
    """Run a server with a script until the block ends."""
    server = Loopback(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def in_turn(*steps: Step) -> Script:
    """Return the script that gives these answers in order, and the last of them from then on."""
    return lambda call: steps[min(call.number, len(steps) - 1)]
