"""A server on the loopback that speaks bytes: for what no HTTP library would send."""

import functools
import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

Chunks = Iterator[bytes]


@dataclass
class RawServer:
    """Where it listens, and how many requests it was sent."""

    url: str
    requests: int = 0


def response(
    body: bytes,
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> bytes:
    """A whole response."""
    fields = {"content-type": content_type, "content-length": str(len(body)), "connection": "close"} | dict(
        headers or {}
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def chunked(parts: Iterator[bytes], status: str = "200 OK") -> Chunks:
    """A response in chunks, without end if the parts are."""
    fixed = "connection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
    yield f"HTTP/1.1 {status}\r\n{fixed}\r\n".encode()
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def dripping(data: bytes, seconds: float, size: int = 1) -> Chunks:
    """The same bytes, a few at a time."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
        time.sleep(seconds)


def silence(seconds: float) -> Chunks:
    """Nothing, for a while."""
    time.sleep(seconds)
    yield b""


def lines_without_end(seconds: float) -> Chunks:
    """Headers, one line at a time, and never the empty one."""
    yield b"HTTP/1.1 200 OK\r\n"
    for number in itertools.count():
        yield b"x-%d: 1\r\n" % number
        time.sleep(seconds)


@functools.cache
def gzip_bomb(megabytes: int) -> bytes:
    """Zeros, packed."""
    return gzip.compress(b"0" * (megabytes << 20), 9)


@functools.cache
def deflate_bomb(megabytes: int) -> bytes:
    """Zeros, packed the other way."""
    return zlib.compress(b"0" * (megabytes << 20), 9)


@contextmanager
def serve_raw(script: Callable[[], Chunks]) -> Iterator[RawServer]:
    """Answer every request with what the script yields, then close the connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = RawServer(url=f"http://127.0.0.1:{listener.getsockname()[1]}")

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            if _read_request(connection):
                server.requests += 1
                for data in script():
                    connection.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _read_request(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return True
