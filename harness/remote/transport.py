"""The HTTP client that both SDKs are given: no redirects, one deadline for a whole call, and an end to long replies.

httpx limits the silence between two reads, not the whole call: a server that sends a header line or a byte a second
would be read for ever. Here the connections themselves know when the call must be over, so that looking up a name,
connecting, the handshake, sending, headers and body together take no longer than that.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from harness.locale import Text, tr
from harness.remote.call import CallError, seconds_to_wait, sorted_status
from harness.remote.settings import Address, RemoteSettings

_CONNECT_SECONDS = 10.0
_SENT_AT_ONCE = 16 * 1024  # bytes between two looks at the clock
_ERROR_BYTES = 64 * 1024  # of an error's body; what it says stands at the front
_FIRST_ERROR = 400
_DESCRIBED_ANEW = {"content-encoding", "content-length", "content-type", "transfer-encoding"}


class BoundedClient(httpx2.Client):
    """An ``httpx2.Client`` whose every reply is read whole, in bounded time and memory, from the server that was named.

    ``params`` of the address go with every request, which ``sign`` changes before it leaves. ``mend`` gets the body of
    each reply with status 200 before the SDK does. A text encoding that the server names is ignored: JSON is UTF-8.
    """

    def __init__(
        self,
        settings: RemoteSettings,
        address: Address | None,
        *,
        mend: Callable[[bytes], bytes] = bytes,
        sign: Callable[[httpx2.Request], httpx2.Request] | None = None,
    ) -> None:
        basic = address.auth if address else None
        super().__init__(
            auth=basic if sign is None else _Signed(sign, basic),
            params=list(address.query) if address else None,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight),
            timeout=settings.timeout,
        )
        self._seconds = settings.timeout
        self._most_bytes = settings.max_reply_bytes
        self._mend = mend
        self._deadline = _Deadline()
        self._seen = _Seen()
        # The one place where httpx leaves no door: its pools take a network backend, its client does not hand one on.
        for transport in (self._transport, *self._mounts.values()):
            if isinstance(transport, httpx2.HTTPTransport):
                pool = transport._pool  # noqa: SLF001 - see above; a test fails should it move
                pool._network_backend = _Backend(pool._network_backend, self._deadline)  # noqa: SLF001 - likewise

    def status_lost_by_the_sdk(self) -> CallError | None:
        """Return what the status of this thread's last reply means, should it be an error's, whatever its body was."""
        seen = self._seen
        if seen.status < _FIRST_ERROR:
            return None
        return sorted_status(seen.status, f"HTTP {seen.status}", wait=seconds_to_wait(seen.headers))

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's own
        """Return the reply, its body read and unpacked.

        Raises:
            CallError: the server sends the call elsewhere, or the reply is longer than the settings allow.
            httpx2.TimeoutException: the reply was not there in time.
        """
        del stream
        self._seen.status = 0
        self._deadline.at = time.monotonic() + self._seconds
        response = super().send(request, stream=True, **options | {"follow_redirects": False})
        try:
            self._seen.status, self._seen.headers = response.status_code, response.headers
            _stay(response)
            content = self._body(response)
        finally:
            response.close()
        kept = [(name, value) for name, value in response.headers.multi_items() if name not in _DESCRIBED_ANEW]
        media = response.headers.get("content-type", "").partition(";")[0]
        return httpx2.Response(
            response.status_code,
            headers=[*kept, ("content-type", media)],
            content=content,
            request=request,
            extensions={name: response.extensions[name] for name in ("http_version",) if name in response.extensions},
        )

    def _body(self, response: httpx2.Response) -> bytes:
        if response.headers.get("content-encoding", "").count(","):
            raise CallError("reply", tr("packed more than once"))
        is_error = response.status_code >= _FIRST_ERROR
        parts, size = list[bytes](), 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if is_error and size > _ERROR_BYTES:
                break
            if max(size, response.num_bytes_downloaded) > self._most_bytes:
                raise CallError("size", tr("more than {most} bytes (max_reply_bytes)", most=self._most_bytes))
            self._deadline.left(None, httpx2.ReadTimeout)
        content = b"".join(parts)
        if is_error:
            return content[:_ERROR_BYTES].decode("utf-8", "replace").encode()
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise CallError("reply", tr("not UTF-8 (byte {start})", start=error.start)) from None
        return self._mend(content) if response.status_code == httpx2.codes.OK else content


def own_words(error: BaseException | None) -> Text | None:
    """Return what the connections here said of a call, from under whatever the libraries above made of it.

    >>> print(own_words(ValueError("a stranger's words")))
    None
    """
    while error is not None:
        if error.args and isinstance(error.args[0], Text):
            return error.args[0]
        error = error.__cause__ or error.__context__
    return None


class _Signed(httpx2.Auth):
    """Changes a request before it leaves, and then adds the user and password of the address, if it has any."""

    def __init__(self, sign: Callable[[httpx2.Request], httpx2.Request], basic: tuple[str, str] | None) -> None:
        self._sign = sign
        self._basic = httpx2.BasicAuth(*basic) if basic else None

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Yield the request as it is sent."""
        request = self._sign(request)
        if self._basic is None:
            yield request
        else:
            yield from self._basic.auth_flow(request)


def _stay(response: httpx2.Response) -> None:
    """Refuse to be sent elsewhere: the key and the prompt are for the server that the user named.

    Raises:
        CallError: the reply is a redirect.
    """
    if not 300 <= response.status_code < _FIRST_ERROR:  # noqa: PLR2004 - HTTP's class of redirects
        return
    try:
        host = urlsplit(response.headers.get("location", "")).hostname
    except ValueError:
        host = None
    raise CallError(
        "request",
        tr(
            "HTTP {status} sends the call on to {host}; redirects are not followed, see base_url",
            status=response.status_code,
            host=host or tr("another place"),
        ),
    )


class _Seen(threading.local):
    """What a thread's last reply was, for SDKs that lose it over an odd body."""

    status = 0
    headers: Mapping[str, str] = {}


class _Deadline(threading.local):
    """When a thread's call must be over; ``at`` is monotonic seconds."""

    at = float("inf")

    def left(self, timeout: float | None, kind: type[Exception]) -> float | None:
        """Return the seconds that one step may take, its own ``timeout`` at most.

        Raises:
            kind: none are left.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise kind(tr("the call did not end in time"))
        return min(left, left if timeout is None else timeout)


class _Backend(httpcore2.NetworkBackend):
    """Connections that keep the deadline of the call that uses them."""

    def __init__(self, inner: httpcore2.NetworkBackend, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the host's addresses in turn, each with its part of the time that is left."""
        addresses = _look_up(host, port, self._deadline.left(timeout, httpcore2.ConnectTimeout))
        trouble: Exception = httpcore2.ConnectError(tr("{host} has no address", host=host))
        for number, address in enumerate(addresses):
            left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
            part = None if left is None else min(_CONNECT_SECONDS, left / (len(addresses) - number))
            try:
                stream = self._inner.connect_tcp(address, port, part, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                trouble = error
            else:
                return _Stream(stream, self._deadline)
        raise trouble

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        """Connect to a socket file."""
        left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.connect_unix_socket(path, left, socket_options), self._deadline)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._inner.sleep(seconds)


class _Stream(httpcore2.NetworkStream):
    """A connection, plain or encrypted, that keeps the deadline of the call that uses it."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write it all."""
        for start in range(0, len(buffer), _SENT_AT_ONCE):
            left = self._deadline.left(timeout, httpcore2.WriteTimeout)
            self._inner.write(buffer[start : start + _SENT_AT_ONCE], left)

    def close(self) -> None:
        """Close it."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Return the same connection, encrypted."""
        left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the protocol's
        """Return what the connection knows of itself."""
        return self._inner.get_extra_info(info)


def _look_up(host: str, port: int, seconds: float | None) -> list[str]:
    """Return a host's addresses; the system's resolver knows no deadline, so it is asked in a thread.

    Raises:
        httpcore2.ConnectTimeout: it did not answer in time.
        httpcore2.ConnectError: there is no such host, or it cannot be asked for.
    """
    found = queue.SimpleQueue[list[str] | Exception]()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put([str(entry[4][0]) for entry in entries])
        except Exception as error:  # noqa: BLE001 - nobody else hears of it, and the call waits
            found.put(error)

    threading.Thread(target=ask, name=f"looking up {host}", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise httpcore2.ConnectTimeout(tr("looking up {host} did not end in time", host=host)) from None
    if isinstance(answer, Exception):
        raise httpcore2.ConnectError(str(answer)) from answer
    return list(dict.fromkeys(answer))
