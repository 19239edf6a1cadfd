"""Frozen answers, from a run or a file."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.runs.anchors import anchors_of
from harness.runs.folder import RunFolder
from harness.types import PlannedTask, RowKey, Sample
from tests.runs.test_merged_pairs import evaluated


def texts(found: object) -> set[tuple[str, str, str]]:
    return {(one.model, one.sample_id, found.answers[one.key].text) for one in found.requests}


def test_other_choices_have_none(workplace: Path) -> None:
    """Only ``anchors:`` names any."""
    assert anchors_of("all", (), "runs") is None


def test_a_runs_answers_to_the_same_tasks(workplace: Path) -> None:
    """By content: a task that was changed since is left out."""
    run = evaluated(workplace, "old", {"m": "x", "n": "y"})
    run.save(RunFolder("runs", "old"))
    changed = Sample(id="1", inputs={"input": "another"})
    tasks = [PlannedTask(name="t", samples=(run.tasks[0].samples[0], changed))]
    found = anchors_of("anchors:old", tasks, "runs")
    assert found is not None
    assert texts(found) == {("m@old", "0", "x"), ("n@old", "0", "y")}
    assert found.rows == (RowKey(model="m@old", prompt=None), RowKey(model="n@old", prompt=None))


def test_the_same_content_has_the_same_digest(workplace: Path) -> None:
    """Wherever it stands; another answer has another."""
    tasks = evaluated(workplace, "old", {"m": "x"}).tasks
    digests = []
    for folder, output in (("one", "x"), ("two", "x"), ("three", "z")):
        (workplace / folder).mkdir()
        rows = [{"task_id": n, "output": output} for n in (0, 1)]
        path = workplace / folder / "f.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found = anchors_of(f"anchors:{path}", tasks, "runs")
        assert found is not None
        assert texts(found) == {("@f", "0", output), ("@f", "1", output)}
        digests.append(found.plan if output == "x" else {found.answers[one.key].text for one in found.requests})
    assert digests[0] == digests[1]
    assert digests[2] == {"z"}


def test_models_of_a_file_keep_their_names(workplace: Path) -> None:
    """With the file's beside them."""
    tasks = evaluated(workplace, "old", {"m": "x", "n": "y"}).tasks
    found = anchors_of("anchors:old.jsonl", tasks, "runs")
    assert found is not None
    assert [row.model for row in found.rows] == ["m@old", "n@old"]


def test_nothing_there_is_an_error(workplace: Path) -> None:
    """Neither a run nor a file, or answers to other tasks."""
    run = evaluated(workplace, "old", {"m": "x"})
    with pytest.raises(HarnessError):
        anchors_of("anchors:nowhere", run.tasks, "runs")
    run.save(RunFolder("runs", "old"))
    other = [PlannedTask(name="u", samples=run.tasks[0].samples)]
    with pytest.raises(UsageError, match="no answer to the tasks"):
        anchors_of("anchors:old", other, "runs")
