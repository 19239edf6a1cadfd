"""Whether a server can be reached at all, found out in seconds, before a library waits for it and tries again."""

import functools
import queue
import socket
import threading
import time
import urllib.request
from urllib.parse import urlsplit

from huggingface_hub import constants

from harness.errors import HubError
from harness.locale import tr
from harness.locale.telling import tell

SECONDS = 3.0
"""After which nobody is there."""

TRIES = 2
"""A machine that has just woken up finds its network at the second try."""

PAUSE = 1.0
"""Seconds between tries."""


def unreachable(name: str, folder: str | None = None) -> HubError:
    """Return the error that says that neither this machine nor, for now, the Hub has a model or an adapter.

    ``folder`` is a hint at the folder that may have been meant.
    """
    network = tr("Check the network, or download the model elsewhere and give its folder.")
    return HubError(
        tr(
            "The Hub cannot be reached for {name!r}, and there is neither a folder of that name here nor a complete "
            "local copy of the Hub's.",
            name=name,
        ),
        hint=network if folder is None else tr("{message} {hint}", message=folder, hint=network),
    )


@functools.cache
def hub_is_reachable() -> bool:
    """Return whether somebody listens at the Hub's address; each try that fails is told, the first within 3 seconds.

    A try takes three seconds at most, looking up the name included. Behind a proxy nobody can tell but the library.
    """
    if constants.HF_HUB_OFFLINE or urllib.request.getproxies():
        return True  # the library knows better
    parts = urlsplit(constants.ENDPOINT)
    place = (str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
    for attempt in range(1, TRIES + 1):
        if _listens(place):
            return True
        if attempt == TRIES:
            tell(
                tr(
                    "{host} cannot be reached: try {attempt} of {attempts}. What is on this machine is used.",
                    host=place[0],
                    attempt=attempt,
                    attempts=TRIES,
                )
            )
        else:
            tell(
                tr(
                    "{host} cannot be reached: try {attempt} of {attempts}, the next in {seconds:.0f} s.",
                    host=place[0],
                    attempt=attempt,
                    attempts=TRIES,
                    seconds=PAUSE,
                )
            )
            time.sleep(PAUSE)
    return False


def _listens(place: tuple[str, int]) -> bool:
    """Return whether a connection comes about in time."""
    found = queue.SimpleQueue[bool]()

    def connect() -> None:
        try:
            socket.create_connection(place, SECONDS).close()
        except (OSError, ValueError):  # ValueError: a name that is none
            found.put(False)
        else:
            found.put(True)

    threading.Thread(target=connect, name="reaching the Hub", daemon=True).start()
    try:
        return found.get(timeout=SECONDS)
    except queue.Empty:  # the system's resolver knows no deadline
        return False
