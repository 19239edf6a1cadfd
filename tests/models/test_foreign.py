"""Answers from other tools' files: labels, epochs, and tasks by what was asked."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import InputError
from harness.models.foreign import ForeignOutputs
from harness.models.outputs import open_outputs
from harness.protocols import MeetsTasks
from harness.types import ModelSpec, PlannedTask, Sample, Sampling
from tests.tables.foreign.made_files import (
    TASKS,
    inspect_log,
    inspect_sample,
    inspect_samples,
    lm_eval_line,
    promptfoo,
    promptfoo_result,
    write_json,
    write_lines,
)

SAMPLES = tuple(Sample(id=f"q{task['task_id']}", inputs={"input": task["input"]}) for task in TASKS)


def opened(path: Path, label: str | None = None) -> Mapping[str, ForeignOutputs]:
    text = f"outputs:{path}"
    spec = ModelSpec(text=text, label=label or text, backend="outputs", target=str(path))
    return {name: one for name, one in open_outputs(spec).items() if isinstance(one, ForeignOutputs)}


def answers(backend: ForeignOutputs) -> list[tuple[str, int, str | None]]:
    """Plan for the backend as a run does, and return what comes out by sample and repeat."""
    model = PlannedModel(label="m", fingerprint=backend.fingerprint, answers_exist=True, repeats=backend.repeats)
    task = PlannedTask(name="t", samples=SAMPLES)
    requests = plan_requests([task], [model], [], sampling=Sampling())
    assert len({request.key for request in requests}) == len(requests)
    found = {one.request_key: one.text for one in backend.generate(requests)}
    return [(request.sample_id, request.repeat, found[request.key]) for request in requests]


def test_models_are_labels(tmp_path: Path) -> None:
    """The user's label counts for one model, and stands before several."""
    path = write_json(
        tmp_path / "p.json", promptfoo([promptfoo_result(0, name, 3, passed=True) for name in ("A", "B")])
    )
    one = write_json(tmp_path / "i.json", inspect_log(inspect_samples()))
    nameless = write_lines(tmp_path / "l.jsonl", [lm_eval_line(0, "a", {})])
    assert (["A", "B"], ["x/A", "x/B"], ["m/A"], ["x"], ["x"]) == tuple(
        list(opened(file, label))
        for file, label in ((path, None), (path, "x"), (one, None), (one, "x"), (nameless, "x"))
    )


def test_epochs_are_repeats_and_other_ids_are_told(tmp_path: Path) -> None:
    """A missing one has no answer; ids are the run's, found by what was asked."""
    samples = [*inspect_samples(), inspect_sample(1, "青。", {}, epoch=2)]
    [backend] = opened(write_json(tmp_path / "a.json", inspect_log(samples))).values()
    assert isinstance(backend, MeetsTasks)
    said = backend.meet("t", SAMPLES)
    assert any("3 answers have other ids than the tasks of t" in one for one in said)
    backend.check_ids("t", [sample.id for sample in SAMPLES])
    assert [("q0", 0, "2です。"), ("q1", 0, "青です。"), ("q0", 1, None), ("q1", 1, "青。")] == answers(backend)


def test_why_there_is_no_answer_is_handed_on(tmp_path: Path) -> None:
    """With the tool's own words."""
    failed = promptfoo_result(0, "A", 0, passed=False, reason="429", failureReason=2, response=None)
    path = write_json(tmp_path / "p.json", promptfoo([failed, promptfoo_result(1, "A", 3, passed=True)]))
    backend = opened(path)["A"]
    backend.meet("t", SAMPLES)
    task = PlannedTask(name="t", samples=SAMPLES)
    model = PlannedModel(label="m", fingerprint="f", answers_exist=True)
    requests = plan_requests([task], [model], [], sampling=Sampling())
    assert [f"no answer in {path}: 429", None] == [one.error for one in backend.generate(requests)]


def test_answers_without_a_place_are_refused(tmp_path: Path) -> None:
    """All, or one among others, with what was asked."""
    stray = inspect_sample(0, "a", {}) | {"input": "別の問題"}
    for samples in ([stray], [*inspect_samples()[1:], stray]):
        [backend] = opened(write_json(tmp_path / "a.json", inspect_log(samples))).values()
        with pytest.raises(InputError, match="1 answer is to no task of t") as caught:
            backend.meet("t", SAMPLES)
        assert "別の問題" in str(caught.value.hint)


def test_two_answers_to_one_task_are_refused(tmp_path: Path) -> None:
    """In one file, and in two of a folder."""
    twice = [inspect_sample(0, "a", {}), inspect_sample(0, "b", {})]
    [backend] = opened(write_json(tmp_path / "a.json", inspect_log(twice))).values()
    with pytest.raises(InputError, match="2 is a second answer to task 'q0', after 1"):
        backend.meet("t", SAMPLES)
    for name in "ab":
        write_json(tmp_path / f"{name}.json", inspect_log(inspect_samples()))
    [backend] = opened(tmp_path).values()
    with pytest.raises(InputError, match=r"1 \(b\.json\) is a second answer to task 'q0', after 1"):
        backend.meet("t", SAMPLES)


def test_a_file_without_an_answer_in_words_is_refused(tmp_path: Path) -> None:
    """It says what it was recognised as."""
    path = write_lines(tmp_path / "l.jsonl", [lm_eval_line(0, [-1.0, True], {"acc": 1})])
    with pytest.raises(InputError, match="recognised as lm-evaluation-harness, but it holds no answer in words"):
        opened(path)


def test_named_columns_make_it_a_table(tmp_path: Path) -> None:
    """Whoever says which column is which means the file as it stands."""
    path = write_lines(tmp_path / "l.jsonl", [lm_eval_line(0, "a", {}, mine="b")])
    assert {} == opened(Path(f"{path},output=mine,task_id=doc_id"))
