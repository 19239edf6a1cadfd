"""``harness audit --rubric-tests`` through the whole program, with a judge's server and without."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.testing.servers import gemini
from harness.testing.servers.loopback import Call, Step, serve
from tests.conftest import RunCli

FAST = "wait_initial = 0.005\nwait_max = 0.02\nwait_jitter = 0.005\n"


def findings(out: str) -> dict[str, str]:
    return {one["test"]["name"]: one["finding"] for one in json.loads(out)["rubric_tests"]["results"]}


@pytest.fixture
def run(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """A key, and no other server."""
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    return run_cli


def test_a_served_judge_that_goes_by_the_words_of_its_rubric(run: RunCli) -> None:
    """It is a point harsher under other words; the cost is said first, and nothing is asked twice."""

    def script(call: Call) -> Step:
        text = gemini.asked(call)
        score = 4 if "採点する採点者です" in text else 3
        return gemini.reply(json.dumps({"reason": "理由", "score": score}, ensure_ascii=False))

    with serve(script) as server:
        Path("harness.toml").write_text(f'[judges.gemini]\nbase_url = "{server.url}"\n{FAST}', encoding="utf-8")
        command = ("audit", "--rubric-tests", "--judge", "gemini:test-model", "--limit", "8")
        dry = run(*command, "--dry-run")
        assert (0, 0) == (dry.code, len(server.calls))
        assert "Rubric tests of gemini:test-model on 8 tasks: 96 verdicts to ask for" in dry.err
        found = findings(run(*command, "--json").out)
        assert 96 == len(server.calls)
        assert {"paraphrase": "moves", "order": "unmoved", "length": "unmoved", "error": "blind"} == {
            name: found[name] for name in ("paraphrase", "order", "length", "error")
        }
        again = run(*command, "--lang", "ja")
        assert (0, 96) == (again.code, len(server.calls))
    assert "ルーブリックの言い換え" in again.out
    assert "「ルーブリックの言い換え」で点数が動きます" in again.out


def test_over_a_run_the_section_follows_its_cards(run: RunCli, task_file: Path) -> None:
    """Its primary judge is tested, on its own answers."""
    Path("flat.py").write_text('kind = "quality"\n\n\ndef judge(sample, generation):\n    return 0.5\n')
    done = run("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "./flat.py", "--run", "r")
    assert 0 == done.code, done.err
    ran = run("audit", "r", "--rubric-tests", "--judge", "./flat.py")
    assert 0 == ran.code, ran.err
    assert ran.out.index("# Judge cards: r") < ran.out.index("## Rubric tests: flat")
    assert "On answers to 5 tasks of r" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No run was named."),
        (["--rubric-tests"], "Which judge is to be tested?"),
        (["--rubric-tests", "--judge", "gemni"], "gemni"),
        (["--rubric-tests", "--judge", "rules", "--limit", "0"], "0"),
        (["nosuchrun", "--rubric-tests"], "nosuchrun"),
    ],
)
def test_wrong_inputs(run: RunCli, arguments: list[str], said: str) -> None:
    """A sentence, no traceback."""
    ran: Any = run("audit", *arguments)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert "Traceback" not in ran.err
