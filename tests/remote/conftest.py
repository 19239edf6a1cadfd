"""What the tests of served models share: keys in the environment, and no keys from outside."""

import pytest

CANARY = "canary-5f1e9c-key"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for both vendors, and no server or proxy from outside."""
    for name in (
        "GOOGLE_API_KEY",
        "GOOGLE_GEMINI_BASE_URL",
        "OPENAI_BASE_URL",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
