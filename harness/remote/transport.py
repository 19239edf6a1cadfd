"""What both SDKs are told about HTTP: connections, basic authentication, and a deadline for the whole reply.

httpx limits the silence between two reads, not the whole reply: a server that trickles a byte a second would be read
for ever. The hooks below end such a reply like a silent one.
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

from harness.remote.settings import Address, RemoteSettings

_CONNECT_SECONDS = 10.0
_DEADLINE = "harness_deadline"


class _Bounded(httpx2.SyncByteStream):
    """A response body that must end before a deadline."""

    def __init__(self, body: httpx2.SyncByteStream, deadline: float, request: httpx2.Request) -> None:
        self._body = body
        self._deadline = deadline
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the reply did not end in time", request=self._request)
            yield chunk

    def close(self) -> None:
        self._body.close()


def client_options(settings: RemoteSettings, address: Address | None) -> dict[str, Any]:
    """Return the keyword arguments of an ``httpx2.Client`` for these settings."""

    def set_deadline(request: httpx2.Request) -> None:
        request.extensions[_DEADLINE] = time.monotonic() + settings.timeout

    def bound_body(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.SyncByteStream):
            deadline = response.request.extensions[_DEADLINE]
            response.stream = _Bounded(response.stream, deadline, response.request)

    return {
        "auth": address.auth if address else None,
        "event_hooks": {"request": [set_deadline], "response": [bound_body]},
        "follow_redirects": True,
        "limits": httpx2.Limits(max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight),
        "timeout": httpx2.Timeout(settings.timeout, connect=min(settings.timeout, _CONNECT_SECONDS)),
    }
