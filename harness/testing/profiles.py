"""How hard property tests try: `load_profile` reads ``HARNESS_TEST_PROFILE``."""

import os

from harness.errors import UnknownNameError
from harness.installation import MissingExtraError
from harness.locale import tr

try:
    from hypothesis import settings
except ModuleNotFoundError as error:
    raise MissingExtraError("helper harness.testing.load_profile", "testing") from error

VARIABLE = "HARNESS_TEST_PROFILE"
PROFILES = {"fast": 20, "balanced": 100, "expensive": 2000}
"""Examples of each property by the name of a profile."""


def load_profile(name: str | None = None) -> str:
    """Use a profile for every Hypothesis test of this process, and return its name.

    Without a name, ``HARNESS_TEST_PROFILE`` says which, else it is ``balanced``. No example has a deadline: a busy
    machine is no failure. Where ``CI`` is set, the same examples are drawn each time.

    Raises:
        UnknownNameError: there is no such profile.
    """
    chosen = name or os.environ.get(VARIABLE) or "balanced"
    if chosen not in PROFILES:
        raise UnknownNameError(tr("test profile"), chosen, PROFILES)
    settings.register_profile(
        f"harness-{chosen}", max_examples=PROFILES[chosen], deadline=None, derandomize="CI" in os.environ
    )
    settings.load_profile(f"harness-{chosen}")
    return chosen
