"""lm-evaluation-harness: metrics by name, filters as metrics, and no score made of what corpus metrics keep."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignFile, read_foreign
from tests.tables.foreign.made_files import TASKS, lm_eval_line, text_of, write_json, write_lines


def read(folder: Path, *lines: object) -> ForeignFile:
    file = read_foreign(str(write_lines(folder / "samples.jsonl", lines)))
    assert file is not None
    return file


def test_metrics_are_scores_and_lists_are_not(tmp_path: Path) -> None:
    """ChrF's reference and answer are a list: the corpus figure is made of them, and no sample has one."""
    file = read(
        tmp_path,
        lm_eval_line(0, "2です。", {"exact_match": 1.0, "chrf": ["a", "b"]}),
        lm_eval_line(1, "青です。", {"exact_match": None, "chrf": ["a", "b"]}),
    )
    assert [("exact_match", 1.0), ("exact_match", None)] == [
        (s.metric, s.value) for row in file.rows for s in row.scores
    ]
    assert [said for said in file.cautions if said.startswith("chrf is left out")]
    assert (TASKS[0]["input"], f"問：{TASKS[0]['input']}\n答：") == file.rows[0].inputs


def test_several_filters_are_several_metrics_of_one_answer(tmp_path: Path) -> None:
    """The answer is then what the model said, and not what a filter cut out."""
    lines = [
        lm_eval_line(0, cut, {"exact_match": value}, filter=name, resps=[["答えは 2 です。"]])
        for name, cut, value in (("strict", "[invalid]", 0.0), ("flexible", "2", 1.0))
    ]
    [row] = read(tmp_path, *lines).rows
    assert "答えは 2 です。" == row.answer
    assert {"exact_match/strict": 0.0, "exact_match/flexible": 1.0} == {s.metric: s.value for s in row.scores}


def test_answers_that_are_no_words_are_told(tmp_path: Path) -> None:
    """A choice by log-probabilities has no text."""
    file = read(tmp_path, lm_eval_line(0, [-1.5, False], {"acc": 1.0}))
    assert (None, "1 sample without an answer in words") == (file.rows[0].answer, file.cautions[0])


def test_a_chat_template_leaves_the_question_in_messages(tmp_path: Path) -> None:
    """They stand as JSON in a text."""
    said = text_of([{"role": "system", "content": "s"}, {"role": "user", "content": "空は？"}])
    line = lm_eval_line(0, "a", {}, doc={"n": 1}, arguments=[[said, {}]])
    assert ("空は？", said) == read(tmp_path, line).rows[0].inputs
    assert ("[{broken",) == read(tmp_path, line | {"arguments": [["[{broken"]]}).rows[0].inputs


def test_a_second_sample_and_another_kind_of_line_are_refused_by_line(tmp_path: Path) -> None:
    """doc_id 0 twice; a line of something else; a line cut short."""
    first = lm_eval_line(0, "a", {})
    for second, said in (
        (first, "second sample of doc_id '0', after line 1"),
        ({"x": 1}, "no sample"),
        (7, "no sample"),
    ):
        with pytest.raises(InputError, match=rf"samples\.jsonl:2: .*{said}"):
            read(tmp_path, first, second)
    path = write_lines(tmp_path / "samples.jsonl", [first])
    path.write_text(path.read_text(encoding="utf-8") + text_of(first)[:50], encoding="utf-8")
    with pytest.raises(InputError, match=r"samples\.jsonl:2: not JSON"):
        read_foreign(str(path))


def test_the_file_of_figures_leads_to_the_samples(tmp_path: Path) -> None:
    """It holds no answers."""
    path = write_json(tmp_path / "results.json", {"results": {"x": {}}, "lm_eval_version": "0.4.13"})
    with pytest.raises(InputError, match="without its answers") as caught:
        read_foreign(str(path))
    assert "samples_TASK_DATE.jsonl" in str(caught.value.hint)


def test_repeats_are_told(tmp_path: Path) -> None:
    """The filter took one of three responses, and the metric is about that one."""
    file = read(
        tmp_path,
        lm_eval_line(0, "2です。", {"acc": 1}, resps=[["2です。", "3です。", "2です。"]]),
        lm_eval_line(1, "青です。", {"acc": 0}),
    )
    assert ["2です。", "青です。"] == [row.answer for row in file.rows]
    assert "1 sample was answered several times (repeats): one answer of it is read, as its filter left it" in (
        file.cautions
    )
