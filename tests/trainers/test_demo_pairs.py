"""The demo's own training data: its format, its lengths, and that it holds no task of a benchmark."""

import json
from importlib import resources

import pytest

from harness.tasks.bundled import open_bundled
from harness.types import Generation, JudgeSpec, Sample, TaskSpec
from judges.rules import open_rules
from trainers.data.contamination import find_hits, index, known_benchmarks
from trainers.data.examples import Example, read_examples


@pytest.fixture(scope="module")
def pairs() -> tuple[Example, ...]:
    with resources.as_file(resources.files("trainers") / "demo_pairs.json") as path:
        read = read_examples([str(path)], strict=True)
    return read.examples


def test_format() -> None:
    """The file is a JSON array in Ichikara's format, its ids and instructions all different."""
    rows = json.loads((resources.files("trainers") / "demo_pairs.json").read_text(encoding="utf-8"))
    assert {("ID", "text", "output")} == {tuple(row) for row in rows}
    assert len(rows) == len({row["ID"] for row in rows}) == len({row["text"] for row in rows})


def test_sizes(pairs: tuple[Example, ...]) -> None:
    """About a hundred short pairs; sentences end with a full stop."""
    assert 100 <= len(pairs) <= 120
    assert 60 >= max(len(pair.inputs["input"]) for pair in pairs)
    assert 70 >= max(len(pair.answer) for pair in pairs)
    sentences = [pair for pair in pairs if "一文で" in pair.inputs["input"] or "二文以内" in pair.inputs["input"]]
    assert [] == [pair.where for pair in sentences if not pair.answer.endswith("。")]


def test_answers_pass_the_rules_of_every_answer(pairs: tuple[Example, ...]) -> None:
    """No answer breaks a rule that holds for all: it is not empty, is Japanese, and does not repeat itself."""
    judge = open_rules(JudgeSpec(text="rules", name="rules"))
    sample = Sample(id="1", inputs={"input": "問い"})
    scores = {judge.judge(sample, Generation(request_key="k", text=pair.answer)).score for pair in pairs}
    assert {1.0} == scores


def test_limits_in_the_instruction_are_kept(pairs: tuple[Example, ...]) -> None:
    """An answer with a limit of sentences or to be JSON is what its instruction asks for."""
    limits = {"一文で": 1, "一文に": 1, "二文以内": 2}
    for pair in pairs:
        question = pair.inputs["input"]
        most = min((limit for words, limit in limits.items() if words in question), default=None)
        assert most is None or pair.answer.count("。") <= most, pair.where
        assert ("JSON" in question) == pair.answer.startswith("{"), pair.where
        if "JSON" in question:
            assert json.loads(pair.answer), pair.where


def test_no_benchmark_task(pairs: tuple[Example, ...]) -> None:
    """No pair equals a task of a known benchmark, nor of the bundled set by any length of reference."""
    assert [] == find_hits(pairs, known_benchmarks())
    tasks = list(open_bundled(TaskSpec(name="bundled:ja-mini")).samples())
    planted = [Example(where=task.id, inputs={"input": task.input}, answer="x") for task in tasks]
    pairs_as_tasks = [Sample(id=pair.where, inputs={"input": pair.inputs["input"]}) for pair in pairs]
    assert [] == find_hits(planted, [index("pairs", pairs_as_tasks)])
