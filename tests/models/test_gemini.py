"""The model `gemini`: its settings, its key, and models that are gone; what it answers is in test_served."""

from datetime import UTC, date, datetime, timedelta

import pytest

from harness.errors import HarnessError, UnknownNameError
from harness.models.gemini import open_gemini
from harness.remote.gemini_models import DEFAULT_JUDGE, RETIRED
from harness.types import ModelSpec


def spec(model: str | None, **settings: object) -> ModelSpec:
    text = f"gemini:{model}"
    return ModelSpec(text=text, label=text, backend="gemini", target=model, settings=settings)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "canary-key")


def test_another_model_or_setting_is_another_model() -> None:
    """What is only about calls is not, nor is the address: the model's name is Google's."""
    same = [spec(DEFAULT_JUDGE), spec(DEFAULT_JUDGE, in_flight=2), spec(DEFAULT_JUDGE, base_url="http://127.0.0.1:9")]
    others = [spec("gemini-9-test"), spec(DEFAULT_JUDGE, thinking_level="low")]
    [plain] = {open_gemini(one).fingerprint for one in same}
    assert 3 == len({plain, *(open_gemini(one).fingerprint for one in others)})
    assert "canary" not in plain


def test_a_model_that_is_gone_is_refused_before_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google would answer by another one."""
    monkeypatch.setitem(RETIRED, "gemini-0-flash", (date(2026, 1, 1), DEFAULT_JUDGE))
    with pytest.raises(HarnessError, match="gemini-0-flash was retired on 2026-01-01"):
        open_gemini(spec("gemini-0-flash"))


def test_a_model_that_ends_is_told_while_it_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In time to evaluate its successor beside it; a model without an end says nothing."""
    day = datetime.now(UTC).date() + timedelta(days=30)
    monkeypatch.setitem(RETIRED, "gemini-0-flash", (day, DEFAULT_JUDGE))
    [notice] = open_gemini(spec("gemini-0-flash")).notices()
    assert day.isoformat() in notice
    assert DEFAULT_JUDGE in notice
    assert () == open_gemini(spec(DEFAULT_JUDGE)).notices()


def test_what_is_missing_or_misspelt_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model, a key, a setting."""
    with pytest.raises(HarnessError, match="model"):
        open_gemini(spec(None))
    with pytest.raises((UnknownNameError, HarnessError), match="temprature"):
        open_gemini(spec(DEFAULT_JUDGE, temprature=1))
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(HarnessError, match="GEMINI_API_KEY"):
        open_gemini(spec(DEFAULT_JUDGE))
