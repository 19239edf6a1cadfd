"""``harness rate serve``: the pages to rate on over the local network, for several raters at once."""

import socket
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

import click

from harness.cli.door import opened
from harness.cli.options import common_options
from harness.cli.rate_draw import DrawOptions, draw_for, draw_options, drawn_before, say_what_was_drawn
from harness.cli.rate_text import people_lines, short_state
from harness.cli.say import language, say
from harness.errors import HarnessError, UsageError
from harness.human.draw import key_document
from harness.human.growing import largest
from harness.human.page import rating_page, with_texts
from harness.human.ratings import rating_scale
from harness.human.sheets import IMPORTED, key_name
from harness.installation import MissingExtraError
from harness.locale import tr, trn
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import exports_in, imported_ratings, run_answers, samples_of
from harness.runs.unpacking import refuse_bundle
from harness.served.desk import Desk
from harness.served.links import Links, read_links, write_links
from harness.specs import load_config
from harness.store.store import Store

PORT = 8642
"""Where the pages are served unless that is taken or told otherwise."""
_PAUSE = 3.0  # seconds in which what raters do becomes one line


@click.command(
    "serve",
    short_help="Serve the pages to several raters at once, and save as they go.",
    epilog="Example: harness rate serve demo --raters sato,tanaka --host 0.0.0.0",
)
@draw_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: all of them.")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: the one used before, else 8642]")
@click.option("--new-links", is_flag=True, help="Make new links; the old ones do not hold any more.")
@common_options
def serve(
    *,
    run: str,
    host: str,
    port: int | None,
    new_links: bool,
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - those of a draw
) -> None:
    """Serve a page to each rater until Ctrl-C; RUN is its name under runs/ or its folder.

    Each rater has a link of their own. What is rated is saved in the store at once, and can be rated from several
    devices; without the server a page goes on, and sends the rest when it is back. Started again, the same links hold.
    Without options of a draw, the draw that is there goes on. Unless --host says otherwise, only this machine can open
    the links. `harness rate import RUN` makes the ratings a judge of the run.
    """
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise MissingExtraError(tr("command rate serve"), "serve")
    refuse_bundle(run)
    settings = load_config(config)
    scale = rating_scale(settings.judges.get(IMPORTED, {}), f"[judges.{IMPORTED}]")
    stored, own = load_run(run, settings.runs, store), RunFolder(settings.runs, run)
    url, asked = store or stored.manifest.store, DrawOptions(**options)
    if asked.is_given or not exports_in(own):
        export = draw_for(stored, own, asked, url)
        own.write_json(key_name(export.draw.tag), key_document(export))
        say_what_was_drawn(export, own)
    else:
        export = drawn_before(stored, own, url)
    samples = samples_of(stored)
    pages = {rater: rating_page(export, rater, samples, scale) for rater in export.draw.people}
    path = own.path / f"rating-links-{export.draw.tag}.json"
    links = read_links(path, list(pages), anew=new_links)
    with closing(_listening(host, port or links.port or PORT, is_chosen=port is not None)) as listener:
        links = replace(links, port=listener.getsockname()[1])
        write_links(path, links)
        whole = largest(exports_in(own), export.draw.tag) or export
        with Store(url) as rows:
            rows.outages.are_waited_for = False  # a page keeps what it could not hand over, and says so at once
            desk = Desk(
                run=stored,
                export=with_texts(whole, run_answers(stored, whole.draw.rows)),
                imported=tuple(imported_ratings(own)),
                pages=pages,
                store=rows,
                scale=scale,
                language=language(),
                clock=lambda: datetime.now().astimezone(),
            )
            desk.told = teller = _Teller(desk)
            with suppress(KeyboardInterrupt):  # the server raises it again after it has ended well
                _say_links(links, host)
                opened("harness.served.app:web_server")(desk, links, _own_names()).run(sockets=[listener])
            teller.stop()
            _say_end(desk, own)


def _listening(host: str, port: int, *, is_chosen: bool) -> socket.socket:
    """Return a socket that listens where it was asked for; a port that nobody chose gives way to a free one.

    Raises:
        UsageError: there is no such address here, or the chosen port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise UsageError(
            tr("--host {host} is no address: {strerror}.", host=host, strerror=error.strerror or error),
            hint=tr("127.0.0.1 for this machine alone, 0.0.0.0 for all its networks."),
        ) from error
    for choice in (port,) if is_chosen else (port, 0):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address[0], choice, *address[2:]))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if choice == 0 or is_chosen:
                raise UsageError(
                    tr(
                        "Cannot listen on {host}, port {port}: {strerror}.",
                        host=host,
                        port=choice,
                        strerror=error.strerror or error,
                    ),
                    hint=tr("Choose another --port, or end the program that uses this one."),
                ) from error
        else:
            if choice != port:
                say(
                    tr(
                        "Note: port {port} is taken, so another one is used: links that were given out before lead "
                        "nowhere now.",
                        port=port,
                    ),
                    err=True,
                )
            return listener
    raise AssertionError


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(host: str) -> str:
    """Return how others reach this machine: the address that was asked for, or that of its way out."""
    try:
        asked = ip_address(host)
    except ValueError:
        return host
    if not asked.is_unspecified:
        return f"[{host}]" if asked.version == 6 else host  # noqa: PLR2004 - of IP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: nothing is sent
            found: str = probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
    return found


def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, f"{name.partition('.')[0]}.local", name.partition(".")[0]} - {""})


def _say_links(links: Links, host: str) -> None:
    base = f"http://{_address(host)}:{links.port}"
    say(tr("Give each rater their own link, and nobody else's:"), err=True)
    for rater, token in links.raters.items():
        say(f"{rater}\t{base}/r/{token}")
    say(
        tr("For you alone, how far they are (names the models): {link}", link=f"{base}/progress/{links.host}"), err=True
    )
    if _is_loopback(host):
        say(
            tr("Only this machine can open these links. For others in your network: --host 0.0.0.0"),
            err=True,
        )
    else:
        say(
            tr(
                "Whoever can reach {address} over the network can open a page if they have its link. What is sent is "
                "not encrypted (http): use it in a network that you trust, not on the internet.",
                address=f"{_address(host)}:{links.port}",
            ),
            err=True,
        )
    say(tr("Everything that is rated is saved at once. End with Ctrl-C."), err=True)


class _Teller:
    """Says how far raters are after something was rated, not more often than one can read."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __call__(self) -> None:
        """Say it soon; what comes meanwhile is in it."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_PAUSE, self._say)
                self._timer.daemon = True
                self._timer.start()

    def _say(self) -> None:
        with self._lock:
            self._timer = None
        _say_state(self.desk)

    def stop(self) -> None:
        """Say nothing more."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()


def _say_state(desk: Desk) -> None:
    try:
        state = desk.state()
    except HarnessError as error:
        say(error.message, err=True)
        return
    lines = [line.strip() for line in people_lines(state, language())[1:]]
    say(" · ".join([f"{desk.clock():%H:%M:%S}", short_state(state), *lines]), err=True)


def _say_end(desk: Desk, own: RunFolder) -> None:
    say(err=True)
    _say_state(desk)
    kept = sum(1 for rater in desk.pages for one in desk.kept(rater) if not one.is_empty)
    say(
        trn(
            "Ended. {n} rating is saved; the same command goes on with the same links.",
            "Ended. {n} ratings are saved; the same command goes on with the same links.",
            kept,
        ),
        err=True,
    )
    if kept:
        say(tr("Make them a judge of the run: harness rate import {name}", name=own.name), err=True)
