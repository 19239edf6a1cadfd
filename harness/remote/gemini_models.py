"""What is known of Gemini's models by name: the judge by default, the retired ones, what they can be told.

As Google's deprecation page and changelog were read on 2026-11-10.
"""

import re
from datetime import date

from harness.errors import RetiredModelError, ServiceSettingsError
from harness.locale import tr, trn
from harness.notices import Notice

DEFAULT_JUDGE = "gemini-3.8-flash"
"""Judges unless another model is named: the newest Flash (2026-09-02); no end of it is announced."""

FREE_CALLS_A_DAY = (20, 500)
"""The least and the most calls a day that free keys had, by users' reports of December 2025 to November 2026: Google
names no figure, and AI Studio shows what a key has. https://ai.google.dev/gemini-api/docs/rate-limits"""

RETIRED = {
    "gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite"),
    "gemini-2.5-pro": (date(2026, 12, 1), "gemini-3.8-flash"),
}
"""The day from which a model answers no more, and the one that requests are then sent to, under the old name."""

_VERSION = re.compile(r"(?:models/)?gemini-(?P<version>\d+(?:\.\d+)?)-(?P<kind>[a-z-]+)")
_LAST_WITH_TEMPERATURE = 3.5
_FIRST_WITH_LEVELS = 3.0
_BUDGETS = {"flash-lite": (512, 24_576, True), "flash": (0, 24_576, True), "pro": (128, 32_768, False)}
_ANY_BUDGET = (0, 32_768, True)


NOTICE_DAYS = 90
"""How long before a model is retired that is said."""


def retirement_notice(model: str, today: date, *, days: int = NOTICE_DAYS) -> Notice | None:
    """Return what to know of a model that is retired within so many ``days``, or None. ``today`` is the caller's clock.

    Raises:
        HarnessError: it is retired: whatever answers under its name is another model.

    >>> retirement_notice("gemini-2.5-pro", date(2026, 11, 26))
    'gemini-2.5-pro is retired on 2026-12-01, in 5 days. After that, gemini-3.8-flash would answer in its place.'
    >>> retirement_notice("gemini-2.5-pro", date(2026, 1, 1)), retirement_notice("gemini-3.8-flash", date(2026, 11, 26))
    (None, None)
    """
    if (known := RETIRED.get(model.removeprefix("models/"))) is None:
        return None
    day, successor = known
    if today >= day:
        raise RetiredModelError(
            tr(
                "{model} was retired on {day}: {successor} answers in its place.",
                model=model,
                day=day,
                successor=successor,
            ),
            hint=tr("Name a model that is there: gemini:{model}", model=DEFAULT_JUDGE),
        )
    left = (day - today).days
    if left > days:
        return None
    return Notice(
        "model_retires",
        trn(
            "{model} is retired on {day}, in {n} day. After that, {successor} would answer in its place.",
            "{model} is retired on {day}, in {n} days. After that, {successor} would answer in its place.",
            left,
            model=model,
            day=day,
            successor=successor,
        ),
    )


def check_thinking(model: str, budget: int | None, level: str | None) -> None:
    """Refuse thinking settings that the API answers with error 400, before the first call.

    Models before Gemini 3 take a budget of tokens, each in its range; those from 3 on take a level, and a budget for
    the sake of older programs; none takes both (ai.google.dev/gemini-api/docs/thinking and /gemini-3, as quoted in
    2026). Of a name that says no version only both at once is refused.

    Raises:
        HarnessError: the model does not take them.

    >>> check_thinking("gemini-3.8-flash", None, "low")
    """
    if budget is not None and level is not None:
        raise ServiceSettingsError(
            tr("thinking_level and thinking_budget cannot be set together: the Gemini API refuses both at once."),
            hint=tr("Keep thinking_level for Gemini 3 and later, thinking_budget for Gemini 2.5."),
        )
    if (found := _VERSION.match(model)) is None:
        return
    version, kind = float(found["version"]), found["kind"].rstrip("-")
    if level is not None:
        levels = _levels(version, kind)
        if level.lower() not in levels:
            raise ServiceSettingsError(
                tr("{model} takes no thinking_level {level!r}.", model=model, level=level),
                hint=tr("Its levels: {levels}.", levels=", ".join(levels))
                if levels
                else tr("Models before Gemini 3 take a thinking_budget, in tokens."),
            )
    if budget is not None and version < _FIRST_WITH_LEVELS and budget != -1:
        low, high, can_be_off = next((known for name, known in _BUDGETS.items() if kind.startswith(name)), _ANY_BUDGET)
        if not (low <= budget <= high or (budget == 0 and can_be_off)):
            raise ServiceSettingsError(
                tr("{model} takes no thinking_budget of {budget} tokens.", model=model, budget=budget),
                hint=tr(
                    "It takes {low} to {high}, -1 (the model decides) {off}.",
                    low=low,
                    high=high,
                    off=tr("and 0 (no thinking)") if can_be_off else tr("but not 0: it cannot stop thinking"),
                ),
            )


def _levels(version: float, kind: str) -> tuple[str, ...]:
    """Return the thinking levels of a model; Pro models cannot go as low as Flash."""
    if version < _FIRST_WITH_LEVELS:
        return ()
    if not kind.startswith("pro"):
        return ("minimal", "low", "medium", "high")
    return ("low", "high") if version == _FIRST_WITH_LEVELS else ("low", "medium", "high")


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
