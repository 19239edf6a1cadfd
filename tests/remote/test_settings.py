"""The settings tables of harness.toml, and the price table."""

from typing import Any

import pytest

from harness.errors import HarnessError, InputError, MissingKeyError
from harness.remote.settings import (
    GeminiSettings,
    OpenAISettings,
    RemoteSettings,
    find_key,
    read_settings,
    split_address,
)


def read(table: dict[str, Any], option: str | None = "m", kind: type[RemoteSettings] = GeminiSettings) -> Any:
    """The settings of a [judges.gemini] table."""
    return read_settings(kind, table, where="[judges.gemini]", option=option)


def test_defaults() -> None:
    """32 in flight, temperature 0, no pacing."""
    settings = read({})
    assert ("m", 32, 0.0, None) == (
        settings.model,
        settings.in_flight,
        settings.sent_temperature,
        settings.requests_per_minute,
    )


def test_the_spec_wins_over_the_table() -> None:
    """gemini:MODEL names the model, else the table does, else it is an error that says both ways."""
    assert "a" == read({"model": "b"}, option="a").model
    assert "b" == read({"model": "b"}, option=None).model
    with pytest.raises(HarnessError) as caught:
        read({}, option=None)
    assert ("[judges.gemini] names no model.", True) == (caught.value.message, "gemini:MODEL" in str(caught.value.hint))


def test_misspelt_key() -> None:
    """A misspelt key is named, with the nearest one."""
    with pytest.raises(InputError, match=r"\[judges.gemini\]: inflight: no such key") as caught:
        read({"inflight": 3})
    assert caught.value.hint == "Did you mean 'in_flight'?"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"in_flight": 0}, "in_flight must be at least 1"),
        ({"max_reply_bytes": 0}, "max_reply_bytes must be at least 1"),
        ({"attempts": -1}, "attempts must be at least 1"),
        ({"timeout": 0}, "timeout must be more than 0"),
        ({"requests_per_minute": -5}, "requests_per_minute must be more than 0"),
        ({"timeout": float("nan")}, "timeout must be more than 0"),
        ({"wait_max": -1}, "wait_max must not be negative"),
        ({"in_flight": "many"}, "in_flight"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_wrong_values(table: dict[str, Any], message: str) -> None:
    """A wrong value is named with its key."""
    with pytest.raises(InputError, match=message):
        read(table)


@pytest.mark.parametrize("name", ["api_key", "api-key", "key", "token"])
def test_a_key_in_the_file_is_refused_unseen(name: str) -> None:
    """A key in harness.toml is an error that does not repeat it."""
    with pytest.raises(InputError, match="a key does not belong into a file") as caught:
        read({name: "canary-key"})
    assert "canary-key" not in f"{caught.value}{caught.value.hint}"


def test_the_servers_own_temperature() -> None:
    """A model that refuses temperature 0 can be left its default."""
    assert read({"temperature": "default"}, kind=OpenAISettings).sent_temperature is None


def test_credentials_are_taken_out_of_an_address() -> None:
    """User and password are kept apart from what is shown."""
    address = split_address("https://me:s%40cret@example.org:8443/v1?x=1")
    assert ("https://example.org:8443/v1", ("me", "s@cret"), (("x", "1"),)) == (
        address.url,
        address.auth,
        address.query,
    )
    assert "cret" not in repr(address)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1/?api-version=2024-02-01", "http://h/v1/?api-version=2024-02-01"),
        ("http://h/openai/deployments/gpt-4o-mini-2024-07-18", "http://h/openai/deployments/gpt-4o-mini-2024-07-18"),
        ("http://h/hf-inference/models/llm-jp/llm-jp-3-13b/v1", "http://h/hf-inference/models/llm-jp/llm-jp-3-13b/v1"),
        ("http://h/v2/vllm-ikmbyelhctz06j/openai/v1", "http://h/v2/vllm-ikmbyelhctz06j/openai/v1"),
        ("http://h/v1?api-key=abc", "http://h/v1?api-key=***"),
        ("http://h/v1?KEY=abc&subscription-key=&x=hunter2hunter2", "http://h/v1?KEY=***&subscription-key=***&x=***"),
        ("http://h/v1/sk-abc/openai", "http://h/v1/***/openai"),
        ("http://h/token/abc/v1", "http://h/token/***/v1"),
        ("http://h/9f86d081884c7d659a2feaa0/v1", "http://h/***/v1"),
        ("http://h/v1;key=abc", "http://h/***"),
        ("http://h/p%2Fq/%73k-abc/v1", "http://h/p%2Fq/***/v1"),
        ("http://h/v1#sk-abc", "http://h/v1"),
    ],
)
def test_what_looks_like_a_credential_is_not_shown(url: str, shown: str) -> None:
    """Keys in path and query are hidden; names of models, deployments, versions and end points stay."""
    assert shown == split_address(url).shown


@pytest.mark.parametrize(
    ("value", "key"),
    [("AIza-x_9.=", "AIza-x_9.="), (" AIza \n", "AIza"), ("ＡＩｚａ１", "AIza1"), ("", None), ("　", None)],
)
def test_a_key_is_folded(monkeypatch: pytest.MonkeyPatch, value: str, key: str | None) -> None:
    """Wide letters, and what stands around it."""
    monkeypatch.setenv("MY_KEY", value)
    assert key == find_key(GeminiSettings(model="m"), "MY_KEY")


@pytest.mark.parametrize("value", ['"AIza"', "'AIza'", "AIza xyz", "鍵はここ", "AIza\nxyz"])
def test_what_can_be_no_key_is_refused_before_any_call(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The variable is named, what it holds is not shown."""
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(MissingKeyError, match="What MY_KEY holds is no API key") as caught:
        find_key(GeminiSettings(model="m"), "MY_KEY")
    assert value not in str(caught.value)
    assert caught.value.hint
