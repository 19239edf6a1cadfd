"""``--judge pairwise:SPEC`` from end to end, through the real SDK against a loopback server."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.cli.board import terminal_board
from harness.remote import batching
from harness.runs.boards import view_of
from harness.testing.servers import openai as wire
from harness.testing.servers.batches import Batches
from harness.testing.servers.loopback import Call, Loopback, Step, serve
from reports.formatting import columns
from reports.wording import Language, words
from tests.conftest import RunCli, results_of

N = 20
_ANSWER = r"<回答{letter} \w+>\n(.*?)\n</回答{letter} "


def answers_in(call: Call) -> tuple[str, str]:
    """The two answers of a prompt, in order."""
    text = call.body["messages"][0]["content"]
    first, second = (re.search(_ANSWER.format(letter=letter), text, re.DOTALL) for letter in "AB")
    assert first
    assert second
    return first[1], second[1]


def biased(call: Call) -> Step:
    """The longer answer; of every fifth task the one that is shown first: ten points of position bias."""
    first, second = answers_in(call)
    number = int(re.findall(r"\d+", first)[0])
    is_first = number % 5 == 4 or len(first) > len(second)
    return wire.reply(json.dumps({"reason": "比べた", "verdict": "A" if is_first else "B"}), tokens=(100, 20))


@pytest.fixture
def files(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task set of 20, and answers of three models; those of ``new`` are longer on tasks 0 to 11."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "key")

    def write(name: str, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (workplace / name).write_text(text, encoding="utf-8")

    write("t.jsonl", [{"task_id": n, "input": f"問{n}"} for n in range(N)])
    for name in ("base", "new", "third"):
        rows = []
        for n in range(N):
            size = {"base": 5, "new": 9 if n < 12 else 2, "third": 1}[name]
            rows.append({"task_id": n, "output": f"{n}番の{name[0]}{'答' * size}"})
        write(f"{name}.jsonl", rows)
    return workplace


def configured(files: Path, server: Loopback, *, prices: str = "") -> None:
    more = ""
    if prices:
        (files / "prices.toml").write_text(prices)
        more = 'prices = "prices.toml"\n'
    (files / "harness.toml").write_text(
        f'[judges.openai]\nbase_url = "{server.url}/v1"\n{more}wait_initial = 0.005\nwait_max = 0.02\n'
    )


MODELS = ("--model", "base=outputs:base.jsonl", "--model", "new=outputs:new.jsonl")
EVAL = ("eval", "--task", "t=t.jsonl", *MODELS, "--judge", "rules", "--run", "r")
PAIRS = ("judge", "r", "--judge", "pairwise:openai:m")


def section(files: Path, run: str = "r") -> dict[str, Any]:
    (found,) = results_of(files, run)["pairwise"]
    return found


def test_ten_points_of_position_bias_are_measured_and_removed(files: Path, run_cli: RunCli) -> None:
    """Exactly planted: 10 points found, and the win rate is that of a judge without a bias."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        ran = run_cli(*PAIRS)
        assert ran.code == 0
        assert len(server.calls) == 2 * N
    found = section(files)
    assert found["position"]["value"] == pytest.approx(0.10)
    assert (found["position"]["pairs"], found["position"]["changed"]) == (N, 4)
    (one,) = found["comparisons"]
    # tasks 0-11 are won but for 4 and 9, which go to the first; 14 and 19 likewise
    assert (one["wins"], one["ties"], one["losses"]) == (10, 4, 6)
    assert one["win_rate"] == pytest.approx(0.6)
    assert one["expected_win_rate"] == pytest.approx(0.6, abs=0.02)
    assert "prefers the answer shown first" in (files / "runs" / "r" / "leaderboard.md").read_text(encoding="utf-8")


def test_calls_are_said_first_and_none_is_made_twice(files: Path, run_cli: RunCli) -> None:
    """In --dry-run, before the first call, and after the last."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        plan = json.loads(run_cli(*PAIRS, "--pairs", "all", "--dry-run", "--json").out)
        assert plan["pairs"] == {"pairwise:openai:m": {"pairs": 1, "verdicts": 40, "cached": 0, "calls": 40}}
        assert server.calls == []
        said = run_cli(*PAIRS).err
        assert "1 pair of models, each task in both orders: 40 verdicts, 0 of them known; 40 calls to make" in said
        made = len(server.calls)
        again = run_cli(*PAIRS)
        assert "40 of them known; 0 calls to make" in again.err
        assert len(server.calls) == made
        assert "verdicts on pairs by pairwise:openai:m" in run_cli(*PAIRS, "--dry-run").out


def test_pairs_stand_beside_the_board_and_never_on_it(files: Path, run_cli: RunCli) -> None:
    """Rows, comparisons, primary and notices are those of a run without pairs; the section is the only new one."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        before = results_of(files, "r")
        run_cli(*PAIRS)
        after = results_of(files, "r")
    assert before["pairwise"] == []
    assert {key: value for key, value in after.items() if key != "pairwise"} == {
        key: value for key, value in before.items() if key != "pairwise"
    }
    page = (files / "runs" / "r" / "report.html").read_text(encoding="utf-8")
    assert 'section class="pairs"' in page
    # a report of the run says the same as the run's own files
    assert after["pairwise"] == json.loads(run_cli("report", "r", "--format", "json").out)["pairwise"]
    assert (files / "runs" / "r" / "leaderboard.md").read_text(encoding="utf-8") == run_cli("report", "r").out
    run = harness.load_run("r")
    assert [judge.name for judge in run.judges] == ["rules"]
    assert len(run.pairwise[0].verdicts) == 2 * N


def test_eval_compares_when_its_answers_are_there(files: Path, run_cli: RunCli) -> None:
    """With the rules as a board where no other judge is named; a third model makes three pairs of all."""
    third = ("--model", "third=outputs:third.jsonl")
    command = ("eval", "--task", "t=t.jsonl", *MODELS, *third, "--judge", "pairwise:openai:m", "--run", "r")
    with serve(biased) as server:
        configured(files, server)
        dry = run_cli(*command, "--pairs", "all", "--dry-run")
        assert "120" in dry.out
        ran = run_cli(*command, "--pairs", "all")
        assert ran.code == 0
        assert "rules joins" in ran.err
        assert len(server.calls) == 6 * N
    found = section(files)
    assert [(one["candidate"]["model"], one["opponent"]["model"]) for one in found["comparisons"]] == [
        ("new", "base"), ("third", "base"), ("third", "new"),
    ]  # fmt: skip
    assert {row["judge"] for row in results_of(files, "r")["rows"]} == {"rules"}
    assert "## t: pairs compared by pairwise:openai:m" in ran.out


def test_another_evaluation_keeps_the_pairs(files: Path, run_cli: RunCli) -> None:
    """The same run evaluated again, and with one judge more, has them still."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        run_cli(*PAIRS)
        before = section(files)
        run_cli(*EVAL[:-4], "--judge", "rules", "--judge", "pairwise:openai:m", "--run", "r")
        assert len(server.calls) == 2 * N
    assert section(files)["comparisons"] == before["comparisons"]
    merged = harness.merge_runs(["r"])
    assert merged.pairwise[0].verdicts


def test_a_cost_limit_is_kept_and_the_rest_done_later(files: Path, run_cli: RunCli) -> None:
    """What is not judged is unscored, counted, and asked for by the same command without the limit."""
    with serve(biased) as server:
        configured(files, server, prices='["m"]\ninput = 1000\noutput = 1000\n')
        run_cli(*EVAL)
        ran = run_cli(*PAIRS, "--max-cost", "1")  # 0.12 a call
        assert ran.code == 3
        assert len(server.calls) <= 9
        assert section(files)["n_unscored"] == 40 - len(server.calls)
        assert {one["code"] for one in section(files)["unscored_reasons"]} == {"cost_limit"}
        assert run_cli(*PAIRS).code == 0
        assert len(server.calls) == 40
    assert section(files)["n_unscored"] == 0


def test_unreadable_replies_are_unscored_with_their_reason(files: Path, run_cli: RunCli) -> None:
    """Asked twice each, never a verdict."""
    with serve(lambda call: wire.reply("Aの勝ちです。")) as server:
        configured(files, server)
        run_cli(*EVAL)
        ran = run_cli(*PAIRS)
        assert len(server.calls) == 4 * N
    assert ran.code == 3
    assert "40 of 40 verdicts on pairs are missing" in ran.err
    found = section(files)
    assert found["unscored_reasons"] == [{"code": "reply_no_json", "count": 40}]
    assert found["comparisons"][0]["win_rate"] is None


@pytest.mark.parametrize("as_file", [True, False])
def test_anchors_are_frozen(files: Path, run_cli: RunCli, as_file: bool) -> None:
    """Of a file or another run; when that is gone, the run still has them, and nothing is asked again."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        old = (
            "eval",
            "--task",
            "t=t.jsonl",
            "--model",
            "third=outputs:third.jsonl",
            "--judge",
            "rules",
            "--run",
            "old",
        )
        run_cli(*old)
        ran = run_cli(*PAIRS, "--pairs", f"anchors:{'third.jsonl' if as_file else 'old'}")
        assert ran.code == 0, ran.err
        assert len(server.calls) == 4 * N
        label = "@third" if as_file else "third@old"
        found = section(files)
        assert {one["opponent"]["model"] for one in found["comparisons"]} == {label}
        assert [one["model"] for one in found["strengths"] if one["is_anchor"]] == [label]
        (files / "third.jsonl").unlink()
        before = found["comparisons"]
        run_cli(*EVAL)
        run = harness.load_run("r")
        assert run.pairwise[0].anchors is not None
        run.save(files / "copy")
        again = json.loads((files / "copy" / "results.json").read_text(encoding="utf-8"))["pairwise"]
        assert again[0]["comparisons"] == before


def test_merged_runs_and_bundles_keep_the_pairs(files: Path, run_cli: RunCli) -> None:
    """With the verdicts in their own store."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        run_cli(*PAIRS)
        third = ("--model", "third=outputs:third.jsonl", "--model", "base=outputs:base.jsonl")
        run_cli("eval", "--task", "t=t.jsonl", *third, "--judge", "rules", "--judge", "pairwise:openai:m", "--run", "s")
        made = len(server.calls)
    merged = harness.merge_runs(["r", "s"])
    merged.save(files / "both")
    found = json.loads((files / "both" / "results.json").read_text(encoding="utf-8"))["pairwise"]
    assert [one["candidate"]["model"] for one in found[0]["comparisons"]] == ["new", "third"]
    assert found[0]["n_unscored"] == 0
    assert found[0]["verdicts"] == made
    harness.export("r", "r.zip")
    assert harness.load_run("r.zip").pairwise[0].verdicts == harness.load_run("r").pairwise[0].verdicts


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("judge", "r", "--judge", "rules", "--pairs", "all"), "--pairs is for judges of pairs"),
    ((*PAIRS, "--pairs", "every"), "none of baseline, all and anchors"),
    ((*PAIRS, "--pairs", "anchors:"), "names no run or file"),
    ((*PAIRS, "--pairs", "anchors:nowhere"), "nowhere"),
    (("judge", "r", "--judge", "pairwise"), "names no judge"),
    (("judge", "r", "--judge", "pairwise:rules"), "cannot compare two answers"),
    (("judge", "r", "--judge", "pairwise:nobody"), "nobody"),
    (("judge", "r", "--judge", "openai:m", "--rubric", "pair.v1"), "pair.v1 compares two answers"),
    (("ab", "--task", "t=t.jsonl", "--model", "echo", "--prompt", "course.v1", "--prompt", "plain.v1",
      "--judge", "pairwise:openai:m"), "compares answers, which this command does not"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "said"), WRONG)
def test_wrong_inputs_are_sentences(files: Path, run_cli: RunCli, command: tuple[str, ...], said: str) -> None:
    """An error, no traceback, no call, and the run is as it was."""
    script: Callable[[Call], Step] = biased
    with serve(script) as server:
        configured(files, server)
        run_cli(*EVAL)
        before = (files / "runs" / "r" / "results.json").read_text(encoding="utf-8")
        ran = run_cli(*command)
        assert server.calls == []
    assert ran.code in {1, 2}
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert (files / "runs" / "r" / "results.json").read_text(encoding="utf-8") == before


def test_one_model_alone_has_nobody_to_meet(files: Path, run_cli: RunCli) -> None:
    """The run stays, and the message says what could be compared."""
    with serve(biased) as server:
        configured(files, server)
        run_cli("eval", "--task", "t=t.jsonl", "--model", "base=outputs:base.jsonl", "--judge", "rules", "--run", "r")
        ran = run_cli(*PAIRS)
    assert ran.code == 2
    assert "There is nothing to compare" in ran.err


def test_pairs_go_in_a_batch(files: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch holds both orders of every pair; each gets its own verdict, and nothing is bought twice."""
    monkeypatch.setattr(batching, "GATHER_SECONDS", 1.5)
    monkeypatch.setattr(batching, "FIRST_POLL", 0.05)
    script = Batches(biased)
    with serve(script) as server:
        configured(files, server)
        run_cli(*EVAL)
        ran = run_cli(*PAIRS, "--batch")
        assert ran.code == 0, ran.err
        assert (script.handed_over, script.single) == (1, 0)
        assert run_cli(*PAIRS, "--batch").code == 0
        assert script.handed_over == 1
    found = section(files)
    assert (found["n_unscored"], found["position"]["value"]) == (0, pytest.approx(0.10))


def test_a_days_quota_is_kept_and_the_rest_done_later(files: Path, run_cli: RunCli) -> None:
    """Seven calls a day: seven verdicts, the rest unscored for that reason and said."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        ran = run_cli(*PAIRS, "--requests-per-day", "7")
        assert ran.code == 3
        assert len(server.calls) == 7
        assert "quota" in ran.err
        assert {one["code"] for one in section(files)["unscored_reasons"]} == {"quota_ended"}
        assert run_cli(*PAIRS).code == 0
        assert len(server.calls) == 40


@pytest.mark.parametrize(("language", "title"), [("en", "t: pairs compared by"), ("ja", "による二つの回答の比較")])
def test_pairs_are_on_the_screen(files: Path, run_cli: RunCli, language: Language, title: str) -> None:
    """After the boards, no wider than the window, with the warning about place."""
    with serve(biased) as server:
        configured(files, server)
        run_cli(*EVAL)
        run_cli(*PAIRS)
    view = view_of(harness.load_run("r"))
    text = terminal_board(view.leaderboard, "", words(language), cautions=(), width=80, pairs=view.pairs)
    shown = text[text.index("■", text.index("■") + 1) :]
    assert title in shown
    assert "60.0 %" in shown
    assert all(columns(line) <= 80 for line in shown.splitlines())
