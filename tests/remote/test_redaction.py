"""Secrets in texts: found however a server quotes them, and nothing else is touched."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.remote.redaction import Secrets
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Step, in_turn, serve
from harness.types import JudgeSpec
from judges.gemini import open_gemini
from judges.openai import open_openai
from tests.conftest import RunCli
from tests.judges.served import answer, sample, spec
from tests.remote.conftest import CANARY

WIRES: dict[str, Any] = {"gemini": (open_gemini, gemini), "openai": (open_openai, openai)}
IN_QUERY, IN_PATH, PASSWORD = "query-77ab/3d+key", "sk-path-91cd5f", "pass word-1234"


@given(st.text(min_size=8, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_gone_in_every_dress(secret: str, before: str, after: str) -> None:
    """As it is, percent-encoded, or in JSON's escapes."""
    secrets = Secrets([secret])
    for dress in (secret, quote(secret, safe=""), "".join(f"\\u{ord(c):04x}" for c in secret if ord(c) < 0x10000)):
        hidden = secrets.hide(f"{before}{dress}{after}")
        assert secret not in hidden or secret in "***" + before + after


@given(st.text(max_size=60), st.lists(st.text(max_size=7)))
def test_short_keys_are_not_hunted(text: str, keys: list[str]) -> None:
    """A key under eight characters is a part of too many words."""
    assert text == Secrets(keys).hide(text)


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_of_one_letter_spoils_no_word(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply is kept as it came."""
    monkeypatch.setenv("GEMINI_API_KEY", "a")
    monkeypatch.setenv("OPENAI_API_KEY", "a")
    opened, theirs = WIRES[wire]
    with serve(in_turn(theirs.reply('{"reason": "a banana", "score": 4}'))) as server:
        verdict = opened(spec(wire, server.url)).judge(sample(1), answer(1))
    assert (4.0, "a banana") == (verdict.score, verdict.rationale)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("echo", [CANARY, CANARY.replace("c", "\\u0063"), f"Bearer {CANARY}"])
def test_a_key_in_a_reply_is_hidden(wire: str, echo: str) -> None:
    """In the reason, in the raw reply, and in the model's version."""
    opened, theirs = WIRES[wire]
    reply = theirs.reply(f'{{"reason": "your key is {echo}", "score": 4}}', version=f"m {CANARY}")
    with serve(in_turn(reply)) as server:
        verdict = opened(spec(wire, server.url)).judge(sample(1), answer(1))
    assert 4 == verdict.score
    assert "your key is" in str(verdict.rationale)
    assert CANARY not in str(verdict)
    assert CANARY not in json.dumps(json.loads(str(verdict.raw)))


@pytest.mark.parametrize("wire", WIRES)
def test_a_rotated_key_in_an_address_is_the_same_judge(wire: str) -> None:
    """The fingerprint has what names the server, not what opens it."""

    def fingerprint(url: str) -> str:
        return str(WIRES[wire][0](JudgeSpec(text=wire, name=wire, option="m", settings={"base_url": url})).fingerprint)

    first = fingerprint("https://me:one-pass@host/v1/sk-one/x?api-key=one&api-version=2")
    assert first == fingerprint("https://you:two@host/v1/sk-other-2/x?api-key=two&api-version=2")
    if wire == "openai":  # Google's models are named by Google, whatever the address
        assert first != fingerprint("https://host/v1/sk-one/x?api-key=one&api-version=3")
    assert not any(secret in first for secret in ("one-pass", "sk-one", "=one"))


@pytest.mark.parametrize("wire", WIRES)
def test_credentials_of_an_address_are_sent_and_never_written(
    wire: str, run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gets them and repeats them in replies and errors; no file and no screen holds them."""
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    theirs = WIRES[wire][1]
    echo = f"{IN_QUERY} {quote(IN_QUERY)} {IN_PATH} {PASSWORD} {CANARY}"

    def script(call: Any) -> Step:
        if call.number % 3 == 1:
            status, told = 400, echo + call.path + str(call.headers)
            return theirs.error(status, "INVALID", told) if wire == "gemini" else theirs.error(status, told)
        return theirs.reply(json.dumps({"reason": echo, "score": 3}), version=f"m-{IN_PATH}")

    rows = [{"task_id": n, "input": f"課題({n})", "output": "正解"} for n in range(9)]
    (workplace / "tasks.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with serve(script) as server:
        url = (
            server.url.replace("//", f"//me:{quote(PASSWORD)}@")
            + f"/{IN_PATH}/v1?api-key={quote(IN_QUERY)}&api-version=7"
        )
        (workplace / "harness.toml").write_text(
            f'[judges.{wire}]\nbase_url = "{url}"\n[models.{wire}]\nbase_url = "{url}"\n'
        )
        command = (
            "--task",
            "mine=tasks.jsonl",
            "--model",
            f"{wire}:m",
            "--judge",
            f"{wire}:m",
            "--run",
            "r",
            "--debug",
        )
        shown = [
            run_cli("eval", *command),
            run_cli("eval", *command, "--dry-run"),
            run_cli("show", "r", "--task-id", "1"),
            run_cli("report", "r", "--format", "all", "--debug"),
            run_cli("ls", "runs", "--debug"),
            run_cli("doctor", "--debug"),
        ]
        call = server.calls[0]
    assert [0] * 4 == [ran.code for ran in shown[1:5]]
    assert f"/{IN_PATH}/v1" in call.path
    assert f"api-key={quote(IN_QUERY, safe='')}" in call.path or f"api-key={quote(IN_QUERY)}" in call.path
    assert "api-version=7" in call.path
    assert call.headers["authorization"].startswith("Basic ")
    written = [path for path in workplace.rglob("*") if path.is_file() and path.name != "harness.toml"]
    assert {"store.sqlite", "manifest.json", "results.json"} <= {path.name for path in written}
    for secret in (IN_QUERY, quote(IN_QUERY), IN_PATH, PASSWORD, quote(PASSWORD), CANARY):
        assert [] == [path.name for path in written if secret.encode() in path.read_bytes()]
        assert [] == [ran.out + ran.err for ran in shown if secret in ran.out + ran.err]
