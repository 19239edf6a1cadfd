"""The door to what takes seconds to load: the body of a command, behind its options and its ``--help``."""

import importlib
from typing import Any


def opened(place: str) -> Any:  # noqa: ANN401 - each caller says what stands behind it
    """Return what stands at ``MODULE:NAME``, loading the module on the first call; without ``:NAME`` the module.

    >>> opened("json:dumps")([1])
    '[1]'
    """
    module, _, name = place.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found
