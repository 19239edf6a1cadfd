"""Pairs of several runs as one run's."""

import json
from pathlib import Path

import harness
from harness.pairs.planned import PairOfRows, PlannedPairs
from harness.runs.add_pairs import with_pairs
from harness.runs.run import Run
from harness.store.store import Store
from harness.types import RowKey


def evaluated(folder: Path, run: str, answers: dict[str, str]) -> Run:
    """A run of two tasks, whose answers are as given, with what people said of base and the other model."""
    (folder / "t.jsonl").write_text('{"task_id": 0, "input": "a"}\n{"task_id": 1, "input": "b"}\n')
    rows = [{"model": model, "task_id": n, "output": text} for model, text in answers.items() for n in (0, 1)]
    (folder / f"{run}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for model, text in answers.items():
        own = "".join(json.dumps({"task_id": n, "output": text}) + "\n" for n in (0, 1))
        (folder / f"{model}-{text}.jsonl").write_text(own)
    models = [f"{model}=outputs:{model}-{text}.jsonl" for model, text in answers.items()]
    return harness.evaluate(models=models, tasks=["t=t.jsonl"], judges=["rules"], run=run)


def compared(run: Run, other: str, fingerprint: str = "f") -> Run:
    pair = PairOfRows(candidate=RowKey(model=other, prompt=None), opponent=RowKey(model="base", prompt=None))
    with Store(run.manifest.store) as store:
        return with_pairs(run, PlannedPairs(judge="j", fingerprint=fingerprint, pairs=(pair,)), None, store)


def names(run: Run) -> list[list[tuple[str, str]]]:
    return [[(pair.candidate.model, pair.opponent.model) for pair in one.plan.pairs] for one in run.pairwise]


def test_pairs_of_the_same_judge_are_joined(workplace: Path) -> None:
    """And no pair that nobody judged is added: a and b have not met."""
    one = compared(evaluated(workplace, "r", {"base": "x", "a": "y"}), "a")
    other = compared(evaluated(workplace, "s", {"base": "x", "b": "z"}), "b")
    assert names(harness.merge_runs([one, other])) == [[("a", "base"), ("b", "base")]]


def test_renamed_rows_keep_their_pairs(workplace: Path) -> None:
    """Of two models of one name with other answers, each keeps its own."""
    one = compared(evaluated(workplace, "r", {"base": "x", "a": "y"}), "a")
    other = compared(evaluated(workplace, "s", {"base": "x", "a": "other"}), "a")
    merged = harness.merge_runs([one, other])
    assert names(merged) == [[("a (r)", "base"), ("a (s)", "base")]]
    assert len(merged.pairwise[0].items) == 8
    assert all(item.verdict is None for item in merged.pairwise[0].items)


def test_another_judge_of_the_name_stands_beside(workplace: Path) -> None:
    """Verdicts of unlike judges are never pooled."""
    one = compared(evaluated(workplace, "r", {"base": "x", "a": "y"}), "a")
    other = compared(evaluated(workplace, "s", {"base": "x", "b": "z"}), "b", fingerprint="g")
    merged = harness.merge_runs([one, other])
    assert [plan.judge for plan in merged.manifest.pairs] == ["j", "j (s)"]
