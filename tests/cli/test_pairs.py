"""`harness pairs`: which rows it writes, what it refuses by name, and what it says of the rest."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.tasks.bundled import open_bundled
from harness.types import TaskSpec
from tests.conftest import RunCli
from trainers.data.examples import read_examples

JUDGE = '''"""Scores an answer by the digit that it ends in; none, and it is unscored."""
from harness.types import LIKERT_5

kind = "quality"
scale = LIKERT_5


def judge(sample, generation):
    last = generation.text[-1:]
    return float(last) if last in "12345" else None
'''
PROMPTS = [
    ("a", "朝ごはんの献立を一つ提案してください。", ["よい献立5", "だめ1", "ふつう3", "？"]),
    ("b", "電車で席を譲るときの一言を書いてください。", ["どうぞ、お座りください5", "ん2", "はい2", "え2"]),
    ("c", "短い詩を一つ作ってください。", ["詩5", "とても長くて退屈な詩です2", "詩？", "し"]),
    ("d", "犬の名前を考えてください。", ["ポチ3", "タロ3", "シロ3", "ハナ3"]),
    ("e", "傘を忘れない工夫を教えてください。", ["玄関4", "？", "-", "x"]),
]


@pytest.fixture
def judged(run_cli: RunCli, tmp_path: Path) -> RunCli:
    """A run `samples` of five prompts with four answers each, and a judge that reads the score in the answer."""
    del tmp_path
    Path("last_digit.py").write_text(JUDGE, encoding="utf-8")
    tasks = [{"id": key, "text": text} for key, text, _ in PROMPTS]
    write("prompts.jsonl", tasks)
    rows = [
        {"model": f"try-{n}", "task_id": key, "output": answer}
        for key, _, given in PROMPTS
        for n, answer in enumerate(given)
    ]
    write("answers.jsonl", rows)
    sampled(run_cli, "prompts.jsonl,input=text")
    return run_cli


def write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def sampled(run_cli: RunCli, tasks: str, *more: str) -> None:
    command = ["eval", "--run", "samples", "--task", f"prompts={tasks}", "--model", "outputs:answers.jsonl"]
    ran = run_cli(*command, "--judge", "./last_digit.py", "--judge", "rules", "--max-unscored", "99", *more)
    assert 0 == ran.code, ran.err


def written(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def test_pairs(judged: RunCli) -> None:
    """By hand: a 5 over 1, b 5 over a 2, c 5 over 2; d is tied and e has one score. One longer, one shorter stay."""
    ran = judged("pairs", "samples", "--output", "all.jsonl", "--any-length")
    assert 0 == ran.code, ran.err
    rows = written("all.jsonl")
    assert [
        ("a", "よい献立5", "だめ1"),
        ("b", "どうぞ、お座りください5", "はい2"),
        ("c", "詩5", "とても長くて退屈な詩です2"),
    ] == [(row["task_id"], row["chosen"], row["rejected"]) for row in rows]
    assert {
        "prompt": PROMPTS[0][1],
        "chosen": "よい献立5",
        "rejected": "だめ1",
        "score_chosen": 5.0,
        "score_rejected": 1.0,
        "model_chosen": "try-0",
        "model_rejected": "try-1",
        "task": "prompts",
        "task_id": "a",
        "judge": "last_digit",
    } == rows[0]
    assert ran.out.splitlines() == [
        "all.jsonl: 3 pairs by last_digit",
        "  1 prompt whose answers are less than 1 apart, ties among them",
        "  1 prompt with fewer than two answers to compare",
        "  the better answer is the longer one in 67% of pairs, 1.01 times as long",
        "  6 answers unscored",
    ]
    ran = judged("pairs", "samples", "--output", "fair.jsonl")
    assert ["a", "c"] == [row["task_id"] for row in written("fair.jsonl")]
    assert "balanced by leaving out 1 pair: 50%, 0.51 times" in ran.out


def test_what_is_counted_is_said_in_the_language(judged: RunCli) -> None:
    """On the lines below the file, and in the reason why there are no rows."""
    ran = judged("pairs", "samples", "--output", "ja.jsonl", "--any-length", "--lang", "ja")
    assert "未採点の回答: 6件" in ran.out
    none = judged("pairs", "samples", "--output", "none.jsonl", "--gap", "9", "--lang", "ja")
    assert 1 == none.code
    for said in (ran.out, none.err):
        assert [] == re.findall(r"prompts? with|answers? unscored|is the longer", said), said


def test_best(judged: RunCli) -> None:
    """The rows are what `harness train` reads; a lower bar lets more through."""
    ran = judged("pairs", "samples", "--output", "best.jsonl", "--best")
    assert 0 == ran.code, ran.err
    assert "best.jsonl: 4 best answers by last_digit" in ran.out
    assert "1 with no score of 4 or more" in ran.out
    read = read_examples(["best.jsonl"])
    assert [(PROMPTS[0][1], "よい献立5"), (PROMPTS[4][1], "玄関4")] == [
        (one.inputs["input"], one.answer) for one in (read.examples[0], read.examples[-1])
    ]
    assert 5 == len(
        judged("pairs", "samples", "--output", "low.jsonl", "--best", "--least", "3") and written("low.jsonl")
    )


def test_one_model_alone(judged: RunCli) -> None:
    """With ``--model`` the answers of the others do not count."""
    ran = judged("pairs", "samples", "--output", "two.jsonl", "--model", "try-1", "--model", "try-2", "--any-length")
    assert ["a"] == [row["task_id"] for row in written("two.jsonl")], ran.err
    ran = judged("pairs", "samples", "--output", "one.jsonl", "--model", "try-9")
    assert (2, True) == (ran.code, "try-9" in ran.err)


def test_benchmark_tasks_are_refused_by_name(judged: RunCli) -> None:
    """A bundled task with another ending, and a task of a set named by --against; nothing else is refused."""
    task = next(iter(open_bundled(TaskSpec(name="bundled:ja-mini")).samples()))
    tasks = [{"id": key, "text": text} for key, text, _ in PROMPTS]
    tasks[0]["text"] = task.input + "よろしくお願いします。"
    write("prompts.jsonl", tasks)
    write("exam.jsonl", [{"task_id": "q", "input": PROMPTS[1][1].replace("書いて", "考えて")}])
    sampled(judged, "prompts.jsonl,input=text", "--overwrite")
    ran = judged("pairs", "samples", "--output", "p.jsonl", "--any-length", "--against", "exam.jsonl")
    assert ["c"] == [row["task_id"] for row in written("p.jsonl")], ran.err
    assert f"refused: prompts a: its input is nearly the input of bundled:ja-mini task {task.id} (" in ran.err
    assert "refused: prompts b: its input is nearly the input of exam.jsonl task q (" in ran.err
    assert "2 prompts refused" in ran.out


def test_sealed_tasks_are_refused_by_name(run_cli: RunCli) -> None:
    """A set that was sealed in this store gives no training prompt, by whatever name it comes."""
    Path("last_digit.py").write_text(JUDGE, encoding="utf-8")
    rows = [{"id": str(n), "input": f"{chr(0x4E00 + 97 * n) * 9}について一文で説明してください。"} for n in range(24)]
    write("exam.jsonl", rows)
    answers = [{"model": f"m{k}", "task_id": row["id"], "output": f"答え{1 + 4 * k}"} for row in rows for k in range(2)]
    write("answers.jsonl", answers)
    sealed = ["eval", "--task", "exam=exam.jsonl", "--model", "outputs:answers.jsonl", "--judge", "./last_digit.py"]
    ran = run_cli(*sealed, "--seal")
    assert 0 == ran.code, ran.err
    write("prompts.jsonl", [*rows[:5], {"id": "free", "input": "好きな季節とその理由を教えてください。"}])
    free = [{"model": f"m{k}", "task_id": "free", "output": f"夏{5 - 2 * k}"} for k in range(2)]
    write("answers.jsonl", [*answers[:10], *free])
    sampled(run_cli, "prompts.jsonl")
    ran = run_cli("pairs", "samples", "--output", "p.jsonl", "--any-length")
    assert ["free"] == [row["task_id"] for row in written("p.jsonl")], ran.err
    refused = [line for line in ran.err.splitlines() if line.endswith(": a task of exam, a set that is sealed")]
    assert 0 < len(refused) < 5, "the sealed ones of the five were not even answered"
    assert f"{len(refused)} prompts refused" in ran.out


def test_a_sealed_task_is_refused_in_other_words_and_columns(run_cli: RunCli) -> None:
    """The training prompts have answers, which the exam has not, and another ending; in Japanese, too."""
    Path("last_digit.py").write_text(JUDGE, encoding="utf-8")
    things = ["".join(chr(0x4E00 + 89 * n + k) for k in range(30)) for n in range(20)]
    rows = [{"id": str(n), "input": f"{thing}の由来を説明してください。"} for n, thing in enumerate(things)]
    write("exam.jsonl", rows)
    write("answers.jsonl", [{"task_id": row["id"], "output": "はい3"} for row in rows])
    sealing = ["--task", "exam=exam.jsonl", "--model", "outputs:answers.jsonl", "--judge", "./last_digit.py", "--seal"]
    ran = run_cli("eval", *sealing)
    assert 0 == ran.code, ran.err
    prompts = [
        {"id": row["id"], "text": row["input"].replace("説明してください", "教えてもらえますか"), "output": "昔から。"}
        for row in rows
    ]
    write("prompts.jsonl", prompts)
    write(
        "answers.jsonl",
        [{"model": f"m{k}", "task_id": r["id"], "output": f"夏{5 - 2 * k}"} for r in rows for k in range(2)],
    )
    sampled(run_cli, "prompts.jsonl,input=text,reference=output")
    ran = run_cli("pairs", "samples", "--output", "p.jsonl", "--any-length", "--lang", "ja")
    refused = re.findall(r"prompts (\d+): 入力がexam（封印中）の問題(\d+)の入力とほとんど同じです（0\.\d\d）", ran.err)
    assert 10 == len(refused), ran.err
    assert all(mine == theirs for mine, theirs in refused)
    assert {row["task_id"] for row in written("p.jsonl")} == {row["id"] for row in rows} - {key for key, _ in refused}
    assert "0.45" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["gone", "--output", "p.jsonl"], 2, "No run named 'gone'"),
        (["samples", "--output", "answers.jsonl"], 1, "answers.jsonl: the file is there already."),
        (["samples", "--output", "gone/p.jsonl"], 1, "gone: no such folder."),
        (["samples", "--output", "p.jsonl", "--judge", "gemini"], 2, "'gemini'"),
        (["samples", "--output", "p.jsonl", "--least", "4"], 2, "--least goes with --best only."),
        (["samples", "--output", "p.jsonl", "--best", "--gap", "2"], 2, "--gap does not go with --best."),
        (["samples", "--output", "p.jsonl", "--gap", "0"], 2, "--gap"),
        (["samples", "--output", "p.jsonl", "--gap", "9"], 1, "Run samples gives no row: 4 prompts whose answers"),
        (["samples", "--output", "p.jsonl", "--against", "no.jsonl"], 1, "no.jsonl: no such file"),
    ],
)
def test_what_gives_nothing_writes_nothing(judged: RunCli, arguments: list[str], code: int, said: str) -> None:
    """And is said in a sentence, with what to do."""
    before = set(Path().iterdir())
    ran = judged("pairs", *arguments)
    assert (code, "", True) == (ran.code, ran.out, said in ran.err), ran.err
    assert before == set(Path().iterdir())
