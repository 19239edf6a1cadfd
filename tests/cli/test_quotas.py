"""A day's quota that ends, through the whole program and the real SDKs: everything is kept, nothing is bought twice."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execution, main
from harness.testing.servers import gemini, openai
from harness.testing.servers.loopback import Call, Step, serve
from harness.testing.servers.quotas import DailyQuota
from tests.cli.test_served_judging import FAST, configure, evaluate, run, scored, turns, write_tasks
from tests.conftest import RunCli, reasons_of, results_of
from tests.judges.served import number_of

__all__ = ["run"]  # the fixture

DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


def refusals(name: str) -> Step:
    """What the vendor's server says when the day's quota is used up."""
    if name == "gemini":
        return gemini.too_many(gemini.quota_failure(DAILY, "20"), gemini.retry_info("41s"))
    tomorrow = datetime.now(UTC) + timedelta(hours=3)
    reset = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(tomorrow.timestamp() * 1000))}
    return openai.error(429, "Rate limit exceeded: free-models-per-day", **reset)


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_a_quota_that_ends_is_no_failure(run: RunCli, name: str) -> None:
    """Exit 3 with the moment it goes on; the same command on the next days buys each verdict once."""
    write_tasks(50)
    quota = DailyQuota(lambda call: scored(name, number_of(turns(name, call)[0])), refusals(name), 20)
    with serve(quota) as server:
        configure(server, name, FAST + "in_flight = 4\n")
        for day, (code, there) in enumerate([(3, 20), (3, 40), (0, 50)], start=1):
            ran = evaluate(run, f"{name}:test-model")
            assert (code, there) == (ran.code, results_of(Path(), "r")["rows"][0]["n"]), ran.err
            assert day * 4 >= quota.refused
            if code == 3:
                assert f"{there} of 50 verdicts are there" in ran.err
                assert re.search(r"The same command goes on after (\d{4}-\d\d-\d\d )?\d\d:\d\d \(local time\)", ran.err)
                assert "Error" not in ran.err
                assert {"not judged yet: the quota is used up for now": 50 - there} == reasons_of(
                    results_of(Path(), "r")["rows"][0]
                )
            quota.renew()
        assert 50 == quota.answered


def test_waiting_for_the_next_day(run: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --wait one command makes all of it, and its board stands while it sleeps."""
    write_tasks(45)
    ended = gemini.too_many(gemini.quota_failure(DAILY, "20"), gemini.retry_info("7000s"))
    quota = DailyQuota(lambda call: scored("gemini", number_of(turns("gemini", call)[0])), ended, 20)
    boards: list[int] = []
    slept: list[float] = []

    class Skipping(datetime):
        """A clock on which the time passes that is slept."""

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=sum(slept))

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds == 5:
            boards.append(results_of(Path(), "r")["rows"][0]["n"])
            quota.renew()

    monkeypatch.setattr(execution, "pause", sleep)
    monkeypatch.setattr(execution, "datetime", Skipping)
    with serve(quota) as server:
        configure(server, "gemini", FAST + "in_flight = 4\n")
        ran = evaluate(run, "gemini:test-model", "--wait")
    assert 0 == ran.code, ran.err
    assert (45, [20, 40]) == (quota.answered, boards)
    assert 6900 < sum(slept) < 7100
    assert max(slept) <= 30
    assert "Waiting until" in ran.err
    assert "(--wait)" in ran.err


def test_ctrl_c_while_waiting_says_how_to_go_on(run: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board of what is there stands already."""
    write_tasks(9)

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "pause", sleep)
    monkeypatch.setattr(main, "_leave_threads", lambda: None)  # the server's threads are this process's
    quota = DailyQuota(lambda call: scored("gemini", number_of(turns("gemini", call)[0])), refusals("gemini"), 5)
    with serve(quota) as server:
        configure(server, "gemini")
        ran = evaluate(run, "gemini:test-model", "--wait")
    assert (130, 5) == (ran.code, results_of(Path(), "r")["rows"][0]["n"])
    assert "The same command continues:\n  harness eval" in ran.err


def test_the_calls_of_a_day_are_counted_over_commands(run: RunCli) -> None:
    """12 a day by the flag, for two commands together; a flag is no part of what a run is."""
    write_tasks(30)
    with serve(lambda call: scored("gemini", number_of(turns("gemini", call)[0]))) as server:
        configure(server, "gemini")
        first = evaluate(run, "gemini:test-model", "--limit", "5", "--requests-per-day", "12")
        second = evaluate(run, "gemini:test-model", "--overwrite", "--requests-per-day", "12")
        assert (0, 3, 12) == (first.code, second.code, len(server.calls))
        assert "12 of 30 verdicts are there" in second.err
        third = evaluate(run, "gemini:test-model", "--requests-per-day", "12")
        assert (3, 12) == (third.code, len(server.calls))
        last = evaluate(run, "gemini:test-model")
        assert (0, 30) == (last.code, len(server.calls))


def test_the_limits_of_the_file_hold_and_flags_win(run: RunCli) -> None:
    """[judges.gemini] may say them too; the dry run counts with them."""
    write_tasks(30)
    with serve(lambda call: scored("gemini", number_of(turns("gemini", call)[0]))) as server:
        configure(server, "gemini", FAST + "requests_per_day = 10\nrequests_per_minute = 6000\n")
        dry = evaluate(run, "gemini:test-model", "--dry-run")
        assert "3 days" in dry.out
        assert (
            "6000 requests a minute" in evaluate(run, "gemini:test-model", "--dry-run", "--requests-per-day", "40").out
        )
        assert (
            "15 requests a minute" in evaluate(run, "gemini:test-model", "--dry-run", "--requests-per-minute", "15").out
        )
        ran = evaluate(run, "gemini:test-model", "--limit", "12")
        assert (3, 10) == (ran.code, len(server.calls))


def test_more_judges_keep_the_limits_too(run: RunCli) -> None:
    """`harness judge` takes the same flags."""
    write_tasks(8)
    assert 0 == evaluate(run, "rules").code or True
    with serve(lambda call: scored("openai", number_of(turns("openai", call)[0]))) as server:
        configure(server, "openai")
        began = time.monotonic()
        ran = run(
            "judge", "r", "--judge", "openai:test-model", "--requests-per-day", "3", "--requests-per-minute", "600"
        )
        assert (3, 3) == (ran.code, len(server.calls)), ran.err
        assert time.monotonic() - began >= 0.2
        assert "3 of 8 verdicts are there" in ran.err


@pytest.mark.parametrize("name", ["gemini", "openai"])
def test_a_model_whose_quota_ends_goes_on_too(run: RunCli, name: str) -> None:
    """Answers that are missing are made by the same command on the next day."""
    write_tasks(15)
    wire: Any = {"gemini": gemini, "openai": openai}[name]
    arguments = (
        "eval",
        "--task",
        "mine=tasks.jsonl",
        "--model",
        f"{name}:test-model",
        "--judge",
        "rules",
        "--run",
        "r",
    )

    def answering(_: Call) -> Step:
        return wire.reply("東京です。")

    quota = DailyQuota(answering, refusals(name), 10)
    with serve(quota) as server:
        Path("harness.toml").write_text(f'[models.{name}]\nbase_url = "{server.url}"\n{FAST}in_flight = 1\n')
        first = run(*arguments)
        assert (3, 10) == (first.code, quota.answered)
        assert "10 of 15 verdicts are there" in first.err
        assert {"generation failed: the quota is used up for now": 5} == reasons_of(results_of(Path(), "r")["rows"][0])
        quota.renew()
        assert (0, 15) == (run(*arguments).code, quota.answered)


def test_the_limits_speak_japanese(run: RunCli) -> None:
    """The end of a day's quota, in the language of the command."""
    write_tasks(4)
    quota = DailyQuota(lambda call: scored("gemini", number_of(turns("gemini", call)[0])), refusals("gemini"), 1)
    with serve(quota) as server:
        configure(server, "gemini")
        ran = evaluate(run, "gemini:test-model", "--lang", "ja")
    assert 3 == ran.code
    assert re.search(r"4 ?件中 ?1 ?件まで済み", ran.err)
    assert "verdicts are there" not in ran.err
