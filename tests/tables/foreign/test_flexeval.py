"""flexeval: a score that its judge did not give stays away, and columns of numbers are metrics."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignFile, read_foreign
from tests.tables.foreign.made_files import TASKS, flexeval_line, write_lines


def read(folder: Path, *lines: object) -> ForeignFile:
    file = read_foreign(str(write_lines(folder / "outputs.jsonl", lines)))
    assert file is not None
    return file


def test_a_null_is_no_score_and_the_reply_is_kept(tmp_path: Path) -> None:
    """A metric with a judge is one even where the judge gave nothing; the caution says how the tool reads replies."""
    file = read(
        tmp_path,
        flexeval_line(0, "2です。", 4, exact_match=True),
        flexeval_line(1, "青です。", None, exact_match=False),
    )
    assert [{"llm_score": 4.0, "exact_match": 1.0}, {"llm_score": None, "exact_match": 0.0}] == [
        {score.metric: score.value for score in row.scores} for row in file.rows
    ]
    assert ["点数は4", "評価できません"] == [row.scores[0].comment for row in file.rows]
    assert [(TASKS[0]["input"],), (TASKS[1]["input"],)] == [row.inputs for row in file.rows]
    assert ("llm_score is the last whole number of its judge's reply, whatever else stands there",) == file.cautions


def test_ids_lengths_and_missing_answers(tmp_path: Path) -> None:
    """An id of extra_info counts, else the row; an answer that is no text is none."""
    file = read(
        tmp_path,
        flexeval_line(0, "a", 1, extra_info={"id": "x", "question": "q"}, finish_reason="length"),
        flexeval_line(1, None, 2, finish_reason="stop"),
    )
    assert [("x", "length", "a"), ("1", "stop", None)] == [(r.task_id, r.finish_reason, r.answer) for r in file.rows]
    assert "1 line without an answer" == file.cautions[0]
    assert ("q",) == file.rows[0].inputs


def test_columns_of_words_are_no_metrics(tmp_path: Path) -> None:
    """Nor are columns that are numbers in some lines only."""
    file = read(tmp_path, flexeval_line(0, "a", 1, note="x", mixed=1), flexeval_line(1, "b", 2, note="y", mixed="2"))
    assert ("llm_score",) == file.metrics


def test_another_kind_of_line_is_refused(tmp_path: Path) -> None:
    """With its number."""
    with pytest.raises(InputError, match=r"outputs\.jsonl:2: no answer of flexeval"):
        read(tmp_path, flexeval_line(0, "a", 1), {"lm_output": "b"})
