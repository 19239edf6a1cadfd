"""promptfoo: what it makes of pass and fail is no judge's mark, and a judge's reason is no error."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignFile, read_foreign
from tests.tables.foreign.made_files import promptfoo, promptfoo_result, write_json


def read(folder: Path, *results: object) -> ForeignFile:
    file = read_foreign(str(write_json(folder / "results.json", promptfoo(results))))
    assert file is not None
    return file


def scores(file: ForeignFile) -> list[tuple[str | None, str | None, float | None]]:
    return [(row.model, row.task_id, row.scores[0].value if row.scores else None) for row in file.rows]


def test_a_mark_beside_a_fail_is_a_mark_and_its_reason_no_error(tmp_path: Path) -> None:
    """1 beside a fail is the judge's 1: promptfoo would have made 0 of a fail."""
    file = read(
        tmp_path,
        promptfoo_result(1, "B", 5, passed=True),
        promptfoo_result(0, "A", 1, passed=False, reason="重複がある。"),
    )
    assert [("A", "0", 1.0), ("B", "1", 5.0)] == scores(file)
    assert (None, "重複がある。") == (file.rows[0].error, file.rows[0].scores[0].comment)


def test_what_pass_and_fail_become_is_left_out_among_marks(tmp_path: Path) -> None:
    """1 beside a pass and 0 beside a fail, in a metric with marks above 1: told, with how many."""
    file = read(
        tmp_path,
        promptfoo_result(0, "A", 4, passed=True),
        promptfoo_result(0, "B", 1, passed=True),
        promptfoo_result(1, "A", 0, passed=False),
        promptfoo_result(1, "B", 2, passed=False),
    )
    assert [("A", "0", 4.0), ("B", "0", None), ("A", "1", None), ("B", "1", 2.0)] == scores(file)
    assert "llm-rubric: 2 scores are left out, since promptfoo may have made them of pass or fail" in file.cautions


def test_a_reply_that_could_not_be_read_is_no_zero(tmp_path: Path) -> None:
    """Nor in a metric of zeros and ones."""
    unread = "Could not extract JSON from llm-rubric response"
    file = read(
        tmp_path, promptfoo_result(0, "A", 0, passed=False, reason=unread), promptfoo_result(1, "A", 1, passed=True)
    )
    assert [("A", "0", None), ("A", "1", 1.0)] == scores(file)
    assert unread == file.rows[0].scores[0].reason
    assert ["llm-rubric"] == list(file.scales), "zeros and ones are on the scale of pass and fail"


def test_a_call_that_failed_has_neither_answer_nor_score(tmp_path: Path) -> None:
    """FailureReason 2: here `error` is one."""
    failed = promptfoo_result(0, "A", 0, passed=False, reason="429", failureReason=2, response=None)
    file = read(tmp_path, failed, promptfoo_result(1, "A", 3, passed=True))
    assert (None, "429", ()) == (file.rows[0].answer, file.rows[0].error, file.rows[0].scores)


def test_repeats_prompts_and_named_assertions(tmp_path: Path) -> None:
    """Tests of one id and input are repeats; each prompt of a provider is a model; metrics have their names."""
    again = promptfoo_result(0, "A", 3, passed=True, testIdx=7)
    other = promptfoo_result(0, "B", 3, passed=True, promptIdx=0)
    parts = [
        {"pass": True, "score": 2, "assertion": {"type": "llm-rubric", "metric": "tone"}},
        {"pass": True, "score": 3, "assertion": {"type": "llm-rubric"}},
        {"pass": True, "score": 4, "assertion": {"type": "llm-rubric"}},
        "odd",
    ]
    named = promptfoo_result(0, "B", 3, passed=True) | {"gradingResult": {"componentResults": parts}}
    file = read(tmp_path, promptfoo_result(0, "A", 4, passed=True), again, other, named)
    assert [("A", 0), ("B prompt 1", 0), ("B prompt 2", 0), ("A", 1)] == [(row.model, row.epoch) for row in file.rows]
    assert ["tone", "llm-rubric", "llm-rubric 2"] == [score.metric for score in file.rows[2].scores]


@pytest.mark.parametrize("odd", [None, {"a": 1}, [1], "x", True, 1.5])
def test_values_of_another_kind_are_not_there(tmp_path: Path, odd: object) -> None:
    """Whatever stands for a number, a name or a text: the row is read without it."""
    names = ("promptIdx", "testIdx", "provider", "response", "gradingResult", "failureReason", "error", "prompt")
    for name in names:
        [row] = read(tmp_path, promptfoo_result(0, "A", 3, passed=True) | {name: odd}).rows
        assert "0" == row.task_id


def test_a_second_result_and_odd_ones_are_refused(tmp_path: Path) -> None:
    """One test of one model twice; a result that is none."""
    once = promptfoo_result(0, "A", 4, passed=True)
    for second, said in ((once, "result 2 is a second one of test 0 by A"), ({"vars": 1}, "result 2 is none")):
        with pytest.raises(InputError, match=said):
            read(tmp_path, once, second)


def test_marks_of_0_and_1_among_fractions_are_kept_and_told(tmp_path: Path) -> None:
    """They may be the judge's own full marks, so they stay; that promptfoo writes the same for a pass is said."""
    results = [promptfoo_result(0, "A", 0.7, passed=True), promptfoo_result(1, "A", 1, passed=True)]
    file = read(tmp_path, *results, promptfoo_result(0, "B", 0, passed=False))
    assert [0.7, 0.0, 1.0] == [value for _, _, value in scores(file)]
    assert [said for said in file.cautions if said.startswith("llm-rubric: 2 scores of 0 or 1 are kept")]
    alone = read(tmp_path, results[1], promptfoo_result(0, "B", 0, passed=False))
    assert not [said for said in alone.cautions if "are kept" in said]


def test_an_evaluation_of_another_version_is_told(tmp_path: Path) -> None:
    """And read as far as it is as it was."""
    evaluation = promptfoo([promptfoo_result(0, "A", 4, passed=True)])
    evaluation["results"]["version"] = 4
    file = read_foreign(str(write_json(tmp_path / "r.json", evaluation)))
    assert file is not None
    assert "its format is version 4, and version 3 is known here: what moved may be missing" == file.cautions[0]
