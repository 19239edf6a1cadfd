"""Two verdicts an answer where a judge's noise cannot be switched off: by default, said first, no more than asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Step, serve
from tests.conftest import RunCli, results_of

FAST = "wait_initial = 0.005\nwait_max = 0.02\nwait_jitter = 0.005\n"


@pytest.fixture
def run(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """Keys, and four tasks."""
    for name in ("GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    rows = [json.dumps({"task_id": n, "input": f"問{n}", "output": f"答{n}"}) + "\n" for n in range(4)]
    Path("tasks.jsonl").write_text("".join(rows))
    return run_cli


def evaluate(run: RunCli, judge: str, *more: str) -> Any:
    return run("eval", "--task", "mine=tasks.jsonl", "--model", "echo", "--judge", judge, "--run", "r", *more)


def wavering(call: Call) -> Step:
    """4 and 3 in turn."""
    return gemini.reply(json.dumps({"reason": "x", "score": 4 - call.number % 2}))


def test_a_model_without_temperature_gives_two_verdicts_and_says_so_first(run: RunCli) -> None:
    """Calls, cost and days; both verdicts are averaged within their task, and what they differ by is in the noise."""
    with serve(wavering) as server:
        Path("harness.toml").write_text(
            f'[judges.gemini]\nbase_url = "{server.url}"\nrequests_per_day = 6\nin_flight = 1\n{FAST}'
        )
        ran = evaluate(run, "gemini:gemini-3.8-flash", "--requests-per-day", "100")
        assert (0, 8) == (ran.code, len(server.calls)), ran.err
        assert "gemini:gemini-3.8-flash: 2 verdicts an answer, because its temperature cannot be set to 0" in ran.err
        assert "8 calls" in ran.err
        assert ran.err.index("8 calls") < ran.err.index("judged anew")
        [row] = results_of(Path(), "r")["rows"]
        assert (4, 3.5) == (row["n"], row["mean"])
        assert row["variance_components"] is not None
        again = evaluate(run, "gemini:gemini-3.8-flash", "--requests-per-day", "100")
        assert ("verdicts an answer" in again.err, len(server.calls)) == (False, 8)


def test_once_where_it_is_asked_for_once(run: RunCli) -> None:
    """An explicit 1 is honoured, and nothing is said."""
    with serve(wavering) as server:
        Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "{server.url}"\n{FAST}')
        ran = evaluate(run, "gemini:gemini-3.8-flash", "--judge-repeats", "1")
        assert (0, 4, False) == (ran.code, len(server.calls), "verdicts an answer" in ran.err)


def test_days_are_said_where_a_quota_makes_it_several(run: RunCli) -> None:
    """Eight calls, three a day."""
    with serve(wavering) as server:
        Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "{server.url}"\n{FAST}')
        ran = evaluate(run, "gemini:gemini-3.8-flash", "--requests-per-day", "3")
        assert 3 == ran.code
        assert "3 calls a day: that takes 3 days" in ran.err


@pytest.mark.parametrize(
    ("judge", "table", "calls"),
    [
        ("openai:m", "", 4),
        ("openai:m", 'temperature = "default"\n', 8),
        ("openai:m", 'reasoning_effort = "low"\n', 8),
        ("gemini:gemini-2.9-flash", "", 4),
        ("gemini:gemini-flash-latest", "", 8),
    ],
)
def test_which_judges_are_asked_twice(run: RunCli, judge: str, table: str, calls: int) -> None:
    """Those that take no temperature of 0, as far as it is known."""
    name = judge.partition(":")[0]
    reply = (
        openai.reply('{"reason": "x", "score": 4}') if name == "openai" else gemini.reply('{"reason": "x", "score": 4}')
    )
    with serve(lambda _: reply) as server:
        Path("harness.toml").write_text(f'[judges.{name}]\nbase_url = "{server.url}"\n{table}{FAST}')
        assert 0 == evaluate(run, judge).code
        assert calls == len(server.calls)
        added = run("judge", "r", "--judge", judge, "--rubric", "digits.v1")
        assert 2 * calls >= len(server.calls) - calls or added.code
