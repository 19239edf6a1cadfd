"""A judge in a file of one's own: a function or a class, what it declares, what can be wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, InputError
from harness.plugins import identity, judge_info, make
from harness.specs import Config, parse_judge
from harness.types import LIKERT_5, PASS_FAIL, UNIT, Generation, JudgeSpec, Sample, Scale
from judges.python_file import split_place
from tests.conftest import RunCli, results_of

SAMPLE = Sample(id="0", inputs={"input": "問い"}, reference="答え")
ANSWER = Generation(request_key="k", text="答えです。")


@pytest.fixture(autouse=True)
def _here(workplace: Path) -> None:
    """Each test has an empty folder."""


def written(text: str, name: str = "my_metric.py") -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return f"./{name}"


def opened(text: str, config: Config | None = None) -> Any:
    spec = parse_judge(text, config or Config())
    return make("judges", spec.name, spec)


@pytest.mark.parametrize(
    ("body", "scale", "score"),
    [
        ("def judge(sample, generation):\n    return 0.25", UNIT, 0.25),
        ("def judge(sample, generation) -> bool:\n    return '。' in generation.text", PASS_FAIL, 1),
        ("def judge(sample, generation) -> 'bool':\n    return '!' in generation.text", PASS_FAIL, 0),
        ("scale = (0, 10)\ndef judge(sample, generation):\n    return len(generation.text)", Scale(low=0, high=10), 5),
        ("def judge(s, g):\n    return 4\njudge.scale = (1, 5, 1)", LIKERT_5, 4),
        ("from harness.types import *\nscale = LIKERT_5\ndef judge(s, g):\n    return Verdict.scored(3)", LIKERT_5, 3),
        ("class Mine:\n    scale = [1, 5, 1]\n    def judge(self, sample, generation):\n        return 2", LIKERT_5, 2),
        ("judge = lambda s, g: 1\ndef my_metric(s, g):\n    return 0.5", UNIT, 0.5),
    ],
)
def test_a_function_or_a_class_is_a_judge(body: str, scale: Scale, score: float) -> None:
    """Named after its file; of quality, by a program, unless it says otherwise."""
    judge = opened(written(body))
    assert ("my_metric", scale) == (judge.name, judge.scale)
    assert ("quality", "program") == (judge_info(judge).kind, judge_info(judge).scored_by)
    assert score == judge.judge(SAMPLE, ANSWER).score


@pytest.mark.parametrize(
    "body",
    [
        "kind = 'checks'\nin_flight = 4\ndef judge(s, g): return 1",
        "def judge(s, g): return 1\njudge.kind, judge.in_flight = 'checks', 4",
        "kind = 'similarity'\nclass J:\n    kind = 'checks'\n    in_flight = 4\n    def judge(self, s, g): return 1",
    ],
)
def test_the_file_or_the_judge_in_it_declares_its_kind(body: str) -> None:
    """The function's own word counts before the file's; nobody says that checks are anyone's opinion."""
    info = judge_info(opened(written(body)))
    assert ("checks", None, 4) == (info.kind, info.scored_by, info.in_flight)


def test_one_of_several_is_named() -> None:
    """After a colon; the board shows it so."""
    place = written("def tone(s, g): return 0\ndef length(s, g): return 1\n")
    judge = opened(f"{place}:length")
    assert ("my_metric:length", 1) == (judge.name, judge.judge(SAMPLE, ANSWER).score)
    with pytest.raises(InputError, match=r"my_metric\.py: it defines several judges: tone, length\.") as refused:
        opened(place)
    assert str(refused.value.hint).endswith("my_metric.py:tone")
    with pytest.raises(InputError, match="named 'lenght'") as refused:
        opened(f"{place}:lenght")
    assert "Did you mean 'length'?" == refused.value.hint


def test_a_class_gets_the_spec_and_its_settings() -> None:
    """As ``[judges.my_metric]`` of harness.toml; other settings are another judge."""
    place = written(
        "class Longest:\n    def __init__(self, spec):\n        self.most = spec.settings['most']\n"
        "    def judge(self, sample, generation):\n        return len(generation.text) <= self.most\n"
    )
    five, four = (opened(place, Config(judges={"my_metric": {"most": most}})) for most in (5, 4))
    assert [1, 0] == [judge.judge(SAMPLE, ANSWER).score for judge in (five, four)]
    assert identity(five) != identity(four)
    with pytest.raises(InputError, match=r"my_metric\.py:3: KeyError: 'most'\."):
        opened(place)


def test_a_function_takes_no_settings() -> None:
    """A setting that nobody reads is a mistake."""
    with pytest.raises(HarnessError, match=r"No setting of \[judges.my_metric\] named 'most'"):
        opened(written("def judge(s, g): return 1"), Config(judges={"my_metric": {"most": 3}}))


def test_the_key_holds_the_code_and_not_the_place() -> None:
    """A changed file, or a changed module beside it, is another judge; the same file elsewhere is the same one."""
    body = "import helper_of_mine\ndef judge(s, g): return helper_of_mine.score()\n"
    Path("helper_of_mine.py").write_text("def score(): return 1\n")
    first = identity(opened(written(body)))
    assert first == identity(opened("my_metric.py"))
    Path("there").mkdir()
    for name in ("my_metric.py", "helper_of_mine.py"):
        Path("there", name).write_bytes(Path(name).read_bytes())
    assert first == identity(opened("there/my_metric.py"))
    assert first != identity(opened(written(body + "# changed\n")))
    Path("there/helper_of_mine.py").write_text("def score(): return 0\n")
    assert first != identity(opened("./there/my_metric.py"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def judge(s, g)\n    return 1", r"my_metric\.py:1: not valid Python: expected ':'\."),
        ("x = 1\n\nprint(y)", r"my_metric\.py:3: NameError: name 'y' is not defined\."),
        ("def f():\n    raise SystemExit(3)\nf()", r"my_metric\.py:2: SystemExit: 3\."),
        ("import not_there_at_all", r"my_metric\.py:1: ModuleNotFoundError: No module named 'not_there_at_all'\."),
        ("x = 1", r"my_metric\.py: it defines no function and no class with a method judge\."),
        ("\ndef judge(answer):\n    return 1", r"my_metric\.py:2: judge does not take two arguments"),
        ("class J:\n    def judge(self, answer):\n        return 1", r"my_metric\.py:1: J does not take two arguments"),
        (
            "\n\nasync def judge(s, g):\n    return 1",
            r"my_metric\.py:3: judge is async, and must be a plain function\.",
        ),
        ("class J:\n    async def judge(self, s, g):\n        return 1", r"my_metric\.py:1: J is async, and must be"),
        ("kind = 'qualty'\ndef judge(s, g): return 1", "The judge 'my_metric' cannot be opened: its kind is 'qualty'"),
        ("scale = 5\ndef judge(s, g): return 1", "its scale is 5, but must be a harness.types.Scale"),
        ("metrics = 'tone'\ndef judge(s, g): return 1", "its metrics is 'tone', but must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(body: str, message: str) -> None:
    """In a sentence, before anything is generated."""
    with pytest.raises(HarnessError, match=message):
        opened(written(body))


def test_a_file_that_is_not_there_is_told_with_the_nearest() -> None:
    """A typing error is the likeliest reason."""
    written("def judge(s, g): return 1")
    with pytest.raises(InputError, match="no such file") as refused:
        opened("./my_metrik.py")
    assert "my_metric.py" in str(refused.value.hint)
    with pytest.raises(HarnessError, match="needs a file"):
        make("judges", "python", JudgeSpec(text="python", name="python"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("return 1 / 0", "my_metric.py:3: ZeroDivisionError: division by zero"),
        ("return 'good'", "my_metric.py: TypeError: a score is a number, true, false, None or a Verdict, not str"),
        ("return {'a': 1}", "my_metric.py: TypeError: a score is a number, true, false, None or a Verdict, not dict"),
        ("return float('nan')", "ValueError: a score is a finite number, not nan"),
        ("return 10 ** 400", "OverflowError: int too large to convert to float"),
    ],
)
def test_what_goes_wrong_while_judging_is_no_score(line: str, reason: str) -> None:
    """The verdict is an error that names file and line."""
    judge = opened(written(f"def judge(s, g):\n    x = 1\n    {line}\n"))
    verdict = judge.judge(SAMPLE, ANSWER)
    assert ("error", None) == (verdict.status, verdict.score)
    assert reason in str(verdict.reason)


def test_a_place_on_another_drive_is_no_name() -> None:
    """Only what follows ``.py:`` is one."""
    assert ("D:/a:b/m.py", "tone") == split_place("D:/a:b/m.py:tone")
    assert ("D:/m.py", None) == split_place("D:/m.py")


def test_a_name_after_the_colon_is_looked_for_whatever_it_is() -> None:
    """It is no reason to look for a judge that is called like a path; none is none."""
    place = written("def judge(s, g): return 1")
    assert "my_metric" == opened(f"{place}:").name
    with pytest.raises(InputError, match="no function or class with a method judge is named 'my-judge'"):
        opened(f"{place}:my-judge")


def test_a_file_named_like_a_judge_keeps_its_ending() -> None:
    """So that the board does not take it for that one."""
    assert "rules.py" == opened(written("def judge(s, g): return 1", "rules.py")).name


def test_from_the_command_line_to_the_board(run_cli: RunCli, task_file: Path) -> None:
    """Two metrics of one function are two columns from one call an answer; a rerun calls nothing."""
    place = written(
        "from pathlib import Path\n"
        "kind = 'checks'\n"
        "metrics = {'polite': (1, 5, 1), 'short': (0, 1, 1)}\n"
        "def judge(sample, generation):\n"
        "    with Path('calls').open('a') as log:\n        log.write(sample.id + '\\n')\n"
        "    return {'polite': 4, 'short': len(generation.text) < 3}\n"
    )
    arguments = ("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", place, "--run", "r")
    ran = run_cli(*arguments)
    assert 0 == ran.code, ran.err
    means = {row["judge"]: (row["mean"], row["n"]) for row in results_of(Path(), "r")["rows"]}
    assert {"my_metric/polite": (4, 5), "my_metric/short": (0, 5)} == means
    assert sorted("01234") == sorted(Path("calls").read_text().split())
    assert 0 == run_cli(*arguments).code
    assert 5 == len(Path("calls").read_text().split())
    plan = run_cli(*arguments, "--dry-run", "--json")
    assert {"my_metric/polite": 5, "my_metric/short": 5} == json.loads(plan.out)["judge_cached"]


def test_it_joins_a_run_that_is_there(run_cli: RunCli, task_file: Path) -> None:
    """`harness judge` takes a file as well; a file that was edited meanwhile judges anew."""
    assert 0 == run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r").code
    place = written("kind = 'checks'\ndef judge(s, g): return 1")
    assert 0 == run_cli("judge", "r", "--judge", place).code
    written("kind = 'checks'\ndef judge(s, g): return 0.5")
    assert 0 == run_cli("judge", "r", "--judge", place).code
    rows = {row["judge"]: row["mean"] for row in results_of(Path(), "r")["rows"]}
    assert 0.5 == rows["my_metric"]
    ran = run_cli("judge", "r", "--judge", written("def judge(s, g): return 1 / 0", "other.py"))
    assert 3 == ran.code
    assert "ZeroDivisionError" in ran.out
    [failed] = [row for row in results_of(Path(), "r")["rows"] if row["judge"] == "other"]
    assert [{"code": "judge_crashed", "count": 5}] == failed["unscored_reasons"]


def test_a_run_that_it_joined_is_made_again(run_cli: RunCli, task_file: Path) -> None:
    """`harness rerun` opens the file again, once for all its metrics."""
    assert 0 == run_cli("eval", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules", "--run", "r").code
    body = "kind = 'checks'\nmetrics = {'a': (0, 1), 'b': (0, 1)}\ndef judge(s, g): return {'a': 0.25, 'b': 1}"
    assert (
        0
        == run_cli("judge", "r", "--judge", written(body), "--judge", written("def judge(s, g): return 1", "q.py")).code
    )
    ran = run_cli("rerun", "r")
    assert 0 == ran.code, ran.err + ran.out
    rows = {row["judge"]: row["mean"] for row in results_of(Path(), "r-rerun")["rows"]}
    assert {"my_metric/a": 0.25, "my_metric/b": 1, "q": 1} == {name: rows[name] for name in rows if name != "rules"}
