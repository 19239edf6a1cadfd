"""deepeval: scores of 0 to 1 stay on their scale, and a metric that failed has none."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignFile, read_foreign
from harness.types import UNIT
from tests.tables.foreign.made_files import TASKS, deepeval, deepeval_case, write_json


def read(folder: Path, value: object) -> ForeignFile:
    file = read_foreign(str(write_json(folder / "run.json", value)))
    assert file is not None
    return file


def test_cases_are_told_by_what_they_ask(tmp_path: Path) -> None:
    """A case's name is no task id. The scale is the tool's, also where every score is 1."""
    file = read(tmp_path, deepeval([deepeval_case(0, "2です。", 1), deepeval_case(1, "青です。", 1)]))
    assert [(None, (task["input"],)) for task in TASKS] == [(row.task_id, row.inputs) for row in file.rows]
    assert ({"quality [GEval]": UNIT}, ("A",)) == (file.scales, file.models)
    assert ("scores are deepeval's 0 to 1, into which it rescales its judge's marks; thresholds are not used",) == (
        file.cautions
    )


def test_a_metric_that_failed_has_no_score(tmp_path: Path) -> None:
    """Its error is the reason, even beside a score; a null is none either."""
    file = read(tmp_path, deepeval([deepeval_case(0, "a", 0, error="no JSON"), deepeval_case(1, None, None)]))
    assert [(None, "no JSON"), (None, "the file has no score here")] == [
        (score.value, str(score.reason)) for row in file.rows for score in row.scores
    ]
    assert "1 test case without an answer" == file.cautions[0]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """Cases of several turns; strict mode; metrics without a name."""
    cases = [deepeval_case(0, "a", 1, strictMode=True), deepeval_case(1, "b", 1) | {"metricsData": [{"score": 1}, 3]}]
    file = read(tmp_path, deepeval(cases, conversationalTestCases=[{}, {}]))
    assert "2 test cases of several turns are left out" in file.cautions
    assert any("strict mode" in said for said in file.cautions)
    assert () == file.rows[1].scores


def test_a_run_without_cases_or_inputs_is_refused(tmp_path: Path) -> None:
    """With the number of the case."""
    for cases, said in (([], "no test cases of one turn"), ([3], "test case 1 has no input")):
        with pytest.raises(InputError, match=said):
            read(tmp_path, deepeval(cases))
