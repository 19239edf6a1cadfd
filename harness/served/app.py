"""The web application of a served rating: who has a link may open its page and save what is on it, and nothing else.

A link is all that lets somebody in; there are no cookies, so that no other site can act in a rater's name. Whatever is
asked for wrongly is answered with a code alone. Nothing from a request becomes a path.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from harness.errors import HarnessError, RatingError, StoreError
from harness.human.sent import KeptRating
from harness.served.desk import Desk
from harness.served.links import Links
from reports.rating_page import rating_policy
from reports.rating_progress import progress_policy

MOST_BYTES = 1 << 20
"""Of a message: a hundred ratings with comments of full length are a third of it."""

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_CODES = ((RatingError, 409), (StoreError, 503))
_FRAMES = "; frame-ancestors 'none'"


def rating_app(desk: Desk, links: Links, hosts: frozenset[str] = frozenset()) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application. ``hosts``: names of this machine that a browser may have been given.

    Addresses in numbers and ``localhost`` are taken besides; another name in a request's Host header may be anybody's
    who let it point here, and is refused.
    """
    pages = _Pages(desk, links)
    inner = Starlette(
        routes=[
            Route("/r/{token}", pages.page, methods=["GET"]),
            Route("/r/{token}/ratings", pages.ratings, methods=["GET", "POST"]),
            Route("/progress/{token}", pages.progress, methods=["GET"]),
            Route("/favicon.ico", _icon, methods=["GET"]),
        ],
        exception_handlers={404: _unknown, 405: _unknown, 500: _unknown},
    )
    inner.router.redirect_slashes = False
    return _for_hosts(inner, hosts)


def web_server(desk: Desk, links: Links, hosts: frozenset[str] = frozenset()) -> uvicorn.Server:
    """Return the server of the application, which prints no request: it would print the links."""
    return uvicorn.Server(
        uvicorn.Config(
            rating_app(desk, links, hosts),
            access_log=False,
            h11_max_incomplete_event_size=16_384,
            http="h11",
            lifespan="off",
            limit_concurrency=200,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            timeout_keep_alive=10,
            ws="none",
        )
    )


class _Pages:
    """The endpoints: each asks first whose link it is."""

    def __init__(self, desk: Desk, links: Links) -> None:
        self.desk, self.links = desk, links

    async def page(self, request: Request) -> Response:
        """Return a rater's page."""
        rater = self.links.rater(request.path_params["token"])
        if rater is None:
            return _refused(404)
        html = await run_in_threadpool(self.desk.page_html, rater)
        return HTMLResponse(html, headers=_HEADERS | {"Content-Security-Policy": rating_policy(served=True) + _FRAMES})

    async def ratings(self, request: Request) -> Response:
        """Return what a rater has sent, or keep what the page sends now."""
        rater = self.links.rater(request.path_params["token"])
        if rater is None:
            return _refused(404)
        if request.method == "POST":
            return await _post(self.desk, rater, request)
        try:
            kept = await run_in_threadpool(self.desk.kept, rater)
        except StoreError:
            return _refused(503)
        page = self.desk.pages[rater].digest
        return JSONResponse({"page": page, "ratings": [_plain(one) for one in kept]}, headers=_HEADERS)

    async def progress(self, request: Request) -> Response:
        """Return the host's page."""
        if not self.links.is_host(request.path_params["token"]):
            return _refused(404)
        try:
            html = await run_in_threadpool(self.desk.progress)
        except HarnessError as error:
            return PlainTextResponse(error.message, 503, headers=_HEADERS)
        return HTMLResponse(html, headers=_HEADERS | {"Content-Security-Policy": progress_policy() + _FRAMES})


async def _icon(_: Request) -> Response:
    return Response(status_code=204, headers=_HEADERS)


async def _unknown(_: Request, error: Exception) -> Response:
    return _refused(getattr(error, "status_code", 500))


def _for_hosts(inner: Starlette, hosts: frozenset[str]) -> Callable[..., Awaitable[None]]:
    async def app(scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "http" and not is_own_host(Request(scope).headers.get("host", ""), hosts):
            await _refused(421)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    return app


def is_own_host(header: str, hosts: frozenset[str]) -> bool:
    """Return whether a Host header names this machine: by an address, as localhost, or by one of its ``hosts``.

    >>> [is_own_host(name, frozenset({"desk"})) for name in ("192.168.0.7:8642", "[::1]:80", "desk", "x.example")]
    [True, True, True, False]
    """
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name in hosts:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _post(desk: Desk, rater: str, request: Request) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or not _is_from_here(request):
        return _refused(403)
    body = await _body(request)
    if body is None:
        return _refused(413)
    try:
        found = await run_in_threadpool(desk.keep, rater, body.decode("utf-8"))
    except (HarnessError, UnicodeDecodeError) as error:
        return _refused(next((code for raised, code in _CODES if isinstance(error, raised)), 400))
    saved = [{"item": one.item, "number": one.number} for one in found.saved]
    return JSONResponse({"saved": saved, "others": [_plain(one) for one in found.others]}, headers=_HEADERS)


def _is_from_here(request: Request) -> bool:
    """Return whether a request comes from a page of this server, as far as its browser says where it comes from."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _body(request: Request) -> bytes | None:
    """Return a request's body, or None if it is too long; no more of it is read than that."""
    try:
        declared = int(request.headers.get("content-length", "0"))
    except ValueError:
        return None
    if declared > MOST_BYTES:
        return None
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BYTES:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None
    return b"".join(parts)


def _plain(kept: KeptRating) -> dict[str, Any]:
    said = {"score": kept.score, "skip": kept.skip, "comment": kept.comment}
    return {
        "item": kept.item,
        "number": kept.number,
        **{key: value for key, value in said.items() if value is not None},
    }


def _refused(status: int) -> Response:
    return Response(json.dumps({"status": status}), status, headers=_HEADERS, media_type="application/json")
