"""What is known of Gemini's models by name."""

from datetime import date, timedelta

import pytest

from harness.errors import HarnessError
from harness.remote.gemini_models import DEFAULT_JUDGE, RETIRED, check_thinking, retirement_notice, takes_temperature
from harness.remote.pricing import find_price


@pytest.mark.parametrize("model", RETIRED)
def test_a_retired_model_is_told_before_and_refused_after(model: str) -> None:
    """Until the day a notice names day and successor; from the day on no call is made under the name."""
    day, successor = RETIRED[model]
    notice = retirement_notice(model, day - timedelta(days=1))
    assert notice is not None
    assert day.isoformat() in notice
    assert successor in notice
    assert "in 1 day." in notice
    assert retirement_notice(model, day - timedelta(days=91)) is None
    assert retirement_notice(model, day - timedelta(days=90)) is not None
    assert retirement_notice(model, day - timedelta(days=8), days=7) is None
    for name in (model, f"models/{model}"):
        with pytest.raises(HarnessError, match=f"was retired on {day}") as caught:
            retirement_notice(name, day)
        assert DEFAULT_JUDGE in str(caught.value.hint)


def test_the_default_is_neither_retired_nor_without_a_price() -> None:
    """A cost limit can be kept with it, and it says nothing."""
    assert retirement_notice(DEFAULT_JUDGE, date(2027, 1, 1)) is None
    assert find_price(DEFAULT_JUDGE) is not None


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("gemini-2.5-flash", True),
        ("gemini-3-flash", True),
        ("gemini-3.5-flash", True),
        ("models/gemini-3.5-flash-lite", False),
        ("gemini-3.6-flash", False),
        ("gemini-3.8-flash-001", False),
        ("gemini-4-pro", False),
        ("gemini-flash-latest", True),
        ("tunedModels/mine", True),
    ],
)
def test_which_models_take_a_temperature(model: str, takes: bool) -> None:
    """From 3.5-flash-lite and 3.6-flash on none does; a name without a version is sent one."""
    assert takes == takes_temperature(model)


@pytest.mark.parametrize(
    ("model", "budget", "level", "words"),
    [
        ("gemini-3.8-flash", 512, "low", "cannot be set together"),
        ("my-own-tune", 512, "low", "cannot be set together"),
        ("gemini-2.5-flash", None, "low", "takes no thinking_level 'low'"),
        ("gemini-3-pro-preview", None, "medium", "takes no thinking_level 'medium'"),
        ("gemini-3.1-pro", None, "minimal", "takes no thinking_level 'minimal'"),
        ("gemini-3.8-flash", None, "hardest", "takes no thinking_level 'hardest'"),
        ("gemini-2.5-pro", 0, None, "takes no thinking_budget of 0 tokens"),
        ("gemini-2.5-pro", 40_000, None, "takes no thinking_budget of 40000 tokens"),
        ("gemini-2.5-flash-lite", 100, None, "takes no thinking_budget of 100 tokens"),
    ],
)
def test_thinking_settings_that_the_api_refuses(model: str, budget: int | None, level: str | None, words: str) -> None:
    """They are refused with a sentence and what the model takes, before any call."""
    with pytest.raises(HarnessError) as caught:
        check_thinking(model, budget, level)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("model", "budget", "level"),
    [
        ("gemini-3.8-flash", None, None),
        ("models/gemini-3.8-flash", None, "MINIMAL"),
        ("gemini-3.8-flash", 512, None),
        ("gemini-3.1-pro-preview", None, "medium"),
        ("gemini-2.5-flash", 0, None),
        ("gemini-2.5-flash-lite", 0, None),
        ("gemini-2.5-flash-lite", 512, None),
        ("gemini-2.5-pro", -1, None),
        ("my-own-tune", None, "low"),
    ],
)
def test_thinking_settings_that_it_takes(model: str, budget: int | None, level: str | None) -> None:
    """Each kind of model its own; a name that says no version is left to the server."""
    check_thinking(model, budget, level)
