"""What is known of Gemini's models by name: the judge by default, the retired ones, and which take a temperature.

As Google's deprecation page and changelog were read on 2026-11-10.
"""

import re
from datetime import date

from harness.errors import HarnessError
from harness.locale import tr

DEFAULT_JUDGE = "gemini-3.8-flash"
"""Judges unless another model is named: the newest Flash (2026-09-02); no end of it is announced."""

RETIRED = {
    "gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite"),
    "gemini-2.5-pro": (date(2026, 12, 1), "gemini-3.8-flash"),
}
"""The day from which a model answers no more, and the one that requests are then sent to, under the old name."""

_VERSION = re.compile(r"(?:models/)?gemini-(?P<version>\d+(?:\.\d+)?)-(?P<kind>[a-z-]+)")
_LAST_WITH_TEMPERATURE = 3.5


def retirement_notice(model: str, today: date) -> str | None:
    """Return what to know of a model that will be retired, or None.

    Raises:
        HarnessError: it is retired: whatever answers under its name is another model.

    >>> retirement_notice("gemini-2.5-pro", date(2026, 11, 26))
    'gemini-2.5-pro is retired on 2026-12-01. After that, gemini-3.8-flash would answer in its place.'
    >>> retirement_notice("gemini-3.8-flash", date(2026, 11, 26)) is None
    True
    """
    if (known := RETIRED.get(model.removeprefix("models/"))) is None:
        return None
    day, successor = known
    if today >= day:
        raise HarnessError(
            tr(
                "{model} was retired on {day}: {successor} answers in its place.",
                model=model,
                day=day,
                successor=successor,
            ),
            hint=tr("Name a model that is there: gemini:{model}", model=DEFAULT_JUDGE),
        )
    return tr(
        "{model} is retired on {day}. After that, {successor} would answer in its place.",
        model=model,
        day=day,
        successor=successor,
    )


def takes_temperature(model: str) -> bool:
    """Return whether a model still takes a temperature; names that say no version are taken to.

    From gemini-3.5-flash-lite and gemini-3.6-flash on it is deprecated (changelog of 2026-07-21).

    >>> [takes_temperature(f"gemini-{name}") for name in ("2.5-flash", "3.5-flash", "3.5-flash-lite", "3.8-flash")]
    [True, True, False, False]
    """
    found = _VERSION.match(model)
    if found is None:
        return True
    version = float(found["version"])
    lite = found["kind"].startswith("flash-lite")
    return version < _LAST_WITH_TEMPERATURE or (version == _LAST_WITH_TEMPERATURE and not lite)
