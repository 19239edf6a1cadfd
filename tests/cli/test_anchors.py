"""An alias whose model changes under a run: held apart, equated by anchors, or judged anew; the whole program."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.runs.load import load_run
from harness.testing.servers import gemini
from harness.testing.servers.loopback import Call, Loopback, Step, serve
from tests.conftest import RunCli, results_of
from tests.judges.served import number_of

TASKS = 30
JUDGE = "gemini:gemini-flash-latest"
FAST = "wait_initial = 0.005\nwait_max = 0.02\nwait_jitter = 0.005\n"


class Server:
    """Scores by the task and the answer's quality; version 2 gives a point less, where there is one to take."""

    def __init__(self) -> None:
        self.version = "model-001"
        self.calls = 0

    def __call__(self, call: Call) -> Step:
        self.calls += 1
        text = gemini.asked(call)
        score = 2 + (number_of(text) + ("良い回答" in text)) % 4
        if self.version == "model-002":
            score = max(1, score - 1)
        reply = json.dumps({"reason": "理由", "score": score}, ensure_ascii=False)
        return gemini.reply(reply, version=self.version)


@pytest.fixture
def server(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A judge's server, thirty tasks, and two models' answers to them."""
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    tasks = [{"task_id": n, "input": f"課題({n})", "output": f"正解({n})"} for n in range(TASKS)]
    Path("tasks.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in tasks))
    for model, word in (("old", "回答"), ("new", "良い回答")):
        rows = [{"model": model, "task_id": n, "output": f"{word}({n})"} for n in range(TASKS)]
        Path(f"{model}.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows))
    found = Server()
    with serve(found) as loopback:
        configure(loopback)
        yield found


def configure(loopback: Loopback) -> None:
    Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "{loopback.url}"\n{FAST}')


def evaluate(run: RunCli, *more: str) -> Any:
    return run(
        "eval", "--task", "mine=tasks.jsonl", "--model", "outputs:old.jsonl", "--model", "outputs:new.jsonl",
        "--judge", JUDGE, "--judge-repeats", "1", "--run", "r", *more,
    )  # fmt: skip


def rows(name: str = "r") -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in results_of(Path(), name)["rows"]}


@pytest.fixture
def mixed(run_cli: RunCli, server: Server) -> RunCli:
    """The old model was judged before the change, the new one after it."""
    run_cli(
        "eval", "--task", "mine=tasks.jsonl", "--model", "outputs:old.jsonl", "--judge", JUDGE, "--run", "first",
        "--judge-repeats", "1",
    )  # fmt: skip
    server.version = "model-002"
    ran = evaluate(run_cli)
    assert (3, 2 * TASKS) == (ran.code, server.calls), ran.err
    assert "30 of 60 verdicts are by another version of their judge" in ran.err
    assert (30, 0) == (rows()["old"]["n"], rows()["new"]["n"])
    assert [None] == [one["difference"] for one in results_of(Path(), "r")["comparisons"]]
    return run_cli


def test_anchors_put_both_versions_on_one_scale(mixed: RunCli, server: Server) -> None:
    """The cost is said first; the frozen set is judged once; the board says what is equated and by how much."""
    dry = mixed("judge", "r", "--anchors", "--dry-run")
    assert (0, 2 * TASKS) == (dry.code, server.calls)
    assert "60 answers are judged again by gemini:gemini-flash-latest as it answers now: 60 calls" in dry.err
    ran = mixed("judge", "r", "--anchors")
    assert (0, 3 * TASKS) == (ran.code, server.calls), ran.err
    assert "30 anchors of 30 tasks: scores by model-002 on the scale of model-001" in ran.out
    assert "scores are equated: model-002 gave them" in ran.out
    found = rows()
    # 30 scores of 2, 3, 4, 5 in turn; by version 2 they are one less
    assert pytest.approx(sum(2 + (n + 1) % 4 for n in range(TASKS)) / TASKS, abs=0.05) == found["new"]["mean"]
    assert found["new"]["method"].endswith("equated")
    assert "versions.equated" in [one["code"] for one in results_of(Path(), "r")["notices"]]
    audited = mixed("audit", "r", "--svg", "drift.svg")
    assert "## Drift of the judges" in audited.out
    assert "model-001 → model-002" in Path("drift.svg").read_text(encoding="utf-8")
    again = mixed("judge", "r", "--anchors")
    assert (0, 3 * TASKS + 1) == (again.code, server.calls)  # one call, to see which version answers
    assert found == rows()
    assert (0, 3 * TASKS + 1) == (evaluate(mixed).code, server.calls)
    assert found == rows()
    assert "equated" in mixed("report", "r").out + mixed("compare", "r").out
    with sqlite3.connect("runs/store.sqlite") as store:
        assert [(30,)] == [(len(json.loads(keys)),) for (keys,) in store.execute("select anchors from anchor_set")]


def test_everything_by_the_present_version(mixed: RunCli, server: Server) -> None:
    """What it said already is kept; a rerun stays with it, also after the server has changed once more."""
    ran = mixed("judge", "r", "--rejudge")
    assert (0, 3 * TASKS) == (ran.code, server.calls), ran.err
    assert "gemini:gemini-flash-latest answers as model-002" in ran.err
    found = rows()
    assert (30, 30, False) == (found["old"]["n"], found["new"]["n"], "equated" in found["new"]["method"])
    assert {"model-002"} == {verdict.version for verdict in load_run("r").verdicts.values()}
    assert (0, 3 * TASKS) == (evaluate(mixed).code, server.calls)
    assert found == rows()
    server.version = "model-003"
    more = evaluate(mixed, "--judge-repeats", "2")
    assert 3 == more.code
    assert "the server answers as model-003, and this board is judged by model-002" in more.err
    assert found["old"]["mean"] == rows()["old"]["mean"]


def test_a_judge_that_did_not_change_has_nothing_to_equate(run_cli: RunCli, server: Server) -> None:
    """One call says so, and nothing is written."""
    assert 0 == evaluate(run_cli).code
    ran = run_cli("judge", "r", "--anchors")
    assert (0, 2 * TASKS + 1) == (ran.code, server.calls)
    assert "There is no drift to draw" in run_cli("audit", "r", "--svg", "x.svg").err
    assert "gemini:gemini-flash-latest answers as model-001: nothing to equate." in ran.out


def test_only_drift_without_equating(mixed: RunCli, server: Server) -> None:
    """With --equate none the anchors are judged, and the scores stay apart."""
    assert 0 == mixed("judge", "r", "--anchors", "20", "--equate", "none").code
    assert (2 * TASKS + 20, 0) == (server.calls, rows()["new"]["n"])
    assert 0 == mixed("judge", "r", "--anchors").code  # the twenty are among the thirty
    assert (3 * TASKS + 1, 30) == (server.calls, rows()["new"]["n"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--anchors", "--rejudge"], "--anchors and --rejudge were both given"),
        (["--anchors", "--panel", "rules,gemini"], "no --panel"),
        (["--anchors", "--judge", "rules"], "was not judged by 'rules' as it is opened now"),
        (["--anchors", "--judge", JUDGE, "--rubric", "digits.v1"], "was not judged by 'gemini:gemini-flash-latest'"),
        (["--anchors", "0"], "0"),
    ],
)
def test_what_does_not_go_is_said_before_any_call(
    mixed: RunCli, server: Server, arguments: list[str], said: str
) -> None:
    """In a sentence, with the next step."""
    ran = mixed("judge", "r", *arguments)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert 2 * TASKS == server.calls


def test_a_run_without_a_judge_that_says_versions(run_cli: RunCli, server: Server) -> None:
    """Rules have none."""
    run_cli("eval", "--task", "mine=tasks.jsonl", "--model", "outputs:old.jsonl", "--judge", "rules", "--run", "x")
    ran = run_cli("judge", "x", "--anchors")
    assert 2 == ran.code
    assert "No judge of run x says which version of its model gave a score." in ran.err


def test_in_japanese(mixed: RunCli, server: Server) -> None:
    """Both ways, all words."""
    ran = mixed("judge", "r", "--anchors", "--lang", "ja")
    assert "等化" in ran.out
    assert "線形" in ran.out
    assert "anchors of" not in ran.out + ran.err
