"""Whether a server can be reached at all, found out in seconds, before a library waits for it and tries again."""

import functools
import queue
import socket
import threading
import urllib.request
from urllib.parse import urlsplit

from huggingface_hub import constants

SECONDS = 3.0
"""After which nobody is there."""


@functools.cache
def hub_is_reachable() -> bool:
    """Return whether somebody listens at the Hub's address, within three seconds, looking up its name included.

    Behind a proxy nobody can tell but the library.
    """
    if constants.HF_HUB_OFFLINE or urllib.request.getproxies():
        return True  # the library knows better
    parts = urlsplit(constants.ENDPOINT)
    place = (str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
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
