"""A misspelt model, a rejected key and a server that is away: told before work begins, by eval, judge and doctor."""

from pathlib import Path

import pytest

from harness.testing.servers import gemini
from harness.testing.servers.loopback import serve
from tests.cli.test_served_judging import CANARY, FAST, configure, evaluate, run, scored, turns, write_tasks
from tests.conftest import RunCli
from tests.judges.served import number_of

__all__ = ["run"]  # the fixture

NOT_FOUND = gemini.error(404, "NOT_FOUND", "models/gemini-3.8-flahs is not found")


def test_a_misspelt_judge_is_told_before_an_answer_is_made(run: RunCli) -> None:
    """Exit 2 with the nearest name; no row was written."""
    write_tasks(3)
    with serve(lambda _: NOT_FOUND) as server:
        configure(server, "gemini")
        server.models = ["gemini-3.8-flash"]
        ran = evaluate(run, "gemini:gemini-3.8-flahs")
        assert (2, 1) == (ran.code, len(server.calls))
    assert "Did you mean 'gemini-3.8-flash'?" in ran.err
    assert "to generate" not in ran.err


def test_a_misspelt_model_is_told_too(run: RunCli) -> None:
    """The models to evaluate are looked up likewise."""
    write_tasks(3)
    with serve(lambda _: NOT_FOUND) as server:
        Path("harness.toml").write_text(f'[models.gemini]\nbase_url = "{server.url}"\n')
        server.models = ["gemini-3.8-flash"]
        ran = run("eval", "--task", "mine=tasks.jsonl", "--model", "gemini:gemini-3.8-flahs", "--judge", "rules")
    assert 2 == ran.code
    assert "Did you mean 'gemini-3.8-flash'?" in ran.err


def test_what_is_stored_needs_no_server(run: RunCli) -> None:
    """A rerun with nothing to do asks nobody, and works offline."""
    write_tasks(3)
    with serve(lambda call: scored("gemini", number_of(turns("gemini", call)[0]))) as server:
        configure(server, "gemini")
        assert 0 == evaluate(run, "gemini:test-model").code
    again = evaluate(run, "gemini:test-model")
    assert 0 == again.code
    assert "cannot be reached" not in again.err


def test_a_server_that_is_away_is_said_at_once_with_the_try(run: RunCli) -> None:
    """Answers are made all the same; each further try is told with its number."""
    write_tasks(2)
    Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "http://127.0.0.1:9"\nattempts = 2\n{FAST}')
    ran = evaluate(run, "gemini:test-model")
    assert 3 == ran.code
    assert "its server cannot be reached (no connection" in ran.err
    assert "try 1." in ran.err
    assert "try 1 of 2, the next in" in ran.err
    assert "2 answers generated" in ran.err


def test_doctor_says_ready_only_with_a_key(run: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it says which; a server of one's own needs none. No key is ever shown."""
    with_keys = run("doctor")
    assert CANARY["gemini"] not in with_keys.out
    assert "gemini: ready" in with_keys.out
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name)
    without = run("doctor")
    assert "gemini: installed, but GEMINI_API_KEY is not set" in without.out
    assert "openai: installed, but OPENAI_API_KEY is not set" in without.out
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert "openai: ready" in run("doctor").out


def test_doctor_online_asks_the_servers(run: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the configured model there, is it misspelt, is nobody there? Without --online nothing is sent."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with serve(lambda _: NOT_FOUND) as server:
        Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "{server.url}"\nmodel = "gemini-3.8-flash"\n')
        server.models = ["gemini-3.8-flash"]
        assert "gemini: answers, and has the model that is configured" in run("doctor", "--online").out
        assert "answers" not in run("doctor").out
        server.models = ["gemini-3.9-flash"]
        assert "Did you mean 'gemini-3.9-flash'?" in run("doctor", "--online").out
    gone = run("doctor", "--online")
    assert "gemini: cannot be reached" in gone.out
    assert CANARY["gemini"] not in gone.out


def test_doctor_says_what_fits(run: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the GPU's memory: an L4 holds llm-jp-3-13b as nf4, not as bfloat16; a T4 holds it as nf4, too."""
    for gib, dense in ((22.2, "no"), (79.0, "yes"), (14.6, "no")):
        monkeypatch.setattr("harness.cli.doctor._device_gib", lambda gib=gib: gib)
        out = run("doctor").out
        assert "llm-jp-3-13b nf4: yes (9.0 GiB)" in out
        assert f"llm-jp-3-13b bfloat16: {dense} (26.8 GiB)" in out
    monkeypatch.setattr("harness.cli.doctor._device_gib", lambda: 8.0)
    assert "llm-jp-3-13b nf4: no" in run("doctor").out
