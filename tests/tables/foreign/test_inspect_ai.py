"""inspect_ai: both forms say the same, epochs and letters are what the tool means by them, and odd logs are refused."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.tables.foreign import ForeignFile, ForeignRow, read_foreign
from harness.types import UNIT
from tests.tables.foreign.made_files import inspect_eval, inspect_log, inspect_sample, inspect_samples, write_json


def read(path: Path) -> ForeignFile:
    file = read_foreign(str(path))
    assert file is not None
    return file


def told(row: ForeignRow) -> tuple[object, ...]:
    return row.task_id, row.epoch, row.inputs, row.model, row.answer, row.scores


def test_a_log_says_the_same_in_both_forms(tmp_path: Path) -> None:
    """The archive's samples lie in another order than the JSON's, and come in the same."""
    log = inspect_log(inspect_samples(values=("4", 2)))
    (tmp_path / "a.eval").write_bytes(inspect_eval(log))
    packed, plain = read(tmp_path / "a.eval"), read(write_json(tmp_path / "a.json", log))
    assert [told(row) for row in plain.rows] == [told(row) for row in packed.rows]
    assert [4.0, 2.0] == [row.scores[0].value for row in packed.rows]
    assert (("graded",), ("m/A",), ()) == (packed.metrics, packed.models, packed.cautions)


def test_letters_are_read_as_the_tool_does_and_n_is_no_score(tmp_path: Path) -> None:
    """C 1, P one half, I 0; N counts as 0 there, and is no score here. The scale is 0 to 1, and it is said."""
    samples = [
        inspect_sample(0, "a", {"match": letter}, epoch=epoch) for epoch, letter in enumerate(("C", "P", "I", "N"), 1)
    ]
    file = read(write_json(tmp_path / "a.json", inspect_log(samples)))
    assert [1.0, 0.5, 0.0, None] == [row.scores[0].value for row in file.rows]
    assert [0, 1, 2, 3] == [row.epoch for row in file.rows]
    assert {"match": UNIT} == file.scales
    assert any("C 1, P 0.5, I 0" in said for said in file.cautions)


def test_several_scorers_and_values_of_several_parts_are_several_metrics(tmp_path: Path) -> None:
    """What is no number has no score and a reason: NaN, a list, a word."""
    scores = {"one": 3, "two": {"a": 1, "b": float("nan")}, "three": [1], "four": "great"}
    file = read(write_json(tmp_path / "a.json", inspect_log([inspect_sample(0, "a", scores)])))
    assert {"one": 3.0, "two/a": 1.0, "two/b": None, "three": None, "four": None} == {
        score.metric: score.value for score in file.rows[0].scores
    }


def test_an_unfinished_log_and_samples_that_failed_are_told(tmp_path: Path) -> None:
    """A sample with an error has no answer and says why; messages and parts of text are read."""
    failed = inspect_sample(0, "", {}) | {"output": {"choices": []}, "error": {"message": "time is up"}}
    parts = [{"type": "text", "text": "青"}, {"type": "image", "image": "x"}]
    spoken = inspect_sample(1, "", {}) | {
        "input": [{"role": "system", "content": "s"}, {"role": "user", "content": "空は？"}],
        "output": {"choices": [{"message": {"content": parts}, "stop_reason": "max_tokens"}]},
    }
    file = read(write_json(tmp_path / "a.json", inspect_log([failed, spoken], status="error")))
    assert (None, "time is up") == (file.rows[0].answer, file.rows[0].error)
    assert (("空は？",), "青", "length") == (file.rows[1].inputs, file.rows[1].answer, file.rows[1].finish_reason)
    assert ["the log's status is 'error': samples may be missing", "1 sample without an answer"] == list(file.cautions)


def test_a_text_kept_as_an_attachment_is_put_back(tmp_path: Path) -> None:
    """Long texts stand once in a sample, under their digest."""
    sample = inspect_sample(0, "attachment://x", {}) | {"attachments": {"x": "長い答え"}}
    assert "長い答え" == read(write_json(tmp_path / "a.json", inspect_log([sample]))).rows[0].answer


ODD = inspect_sample(0, "a", {})


@pytest.mark.parametrize("samples", [[], [3], [{"id": 1}], [ODD | {"epoch": 0}], [ODD | {"epoch": "1"}]])
def test_what_is_no_sample_is_refused(tmp_path: Path, samples: list[object]) -> None:
    """With the file and the sample's number."""
    path = write_json(tmp_path / "a.json", inspect_log([]) | {"samples": samples})
    with pytest.raises(InputError, match=r"a\.json: (sample 1|this inspect_ai log)"):
        read(path)


def test_scores_of_another_shape_are_no_scores(tmp_path: Path) -> None:
    """A list where names should be, a number where a score should be."""
    samples = [inspect_sample(0, "a", {}) | {"scores": [1]}, inspect_sample(1, "b", {}) | {"scores": {"m": 3}}]
    file = read(write_json(tmp_path / "a.json", inspect_log(samples)))
    assert [[], [None]] == [[score.value for score in row.scores] for row in file.rows]


@pytest.mark.parametrize(("version", "said"), [(2, []), (None, []), (3, ["version 3"]), ("9" * 99, ["version 999"])])
def test_a_log_of_another_version_is_read_and_told(tmp_path: Path, version: object, said: list[str]) -> None:
    """What is still where it was is read; both forms say which version it is."""
    log = inspect_log(inspect_samples()) | {"version": version}
    (tmp_path / "a.eval").write_bytes(inspect_eval(log))
    for file in (read(tmp_path / "a.eval"), read(write_json(tmp_path / "a.json", log))):
        assert [4.0, 2.0] == [row.scores[0].value for row in file.rows]
        assert len(said) == len(file.cautions)
        assert all(word in caution for word, caution in zip(said, file.cautions, strict=True))


def test_a_score_that_failed_leaves_the_others(tmp_path: Path) -> None:
    """A sample whose scorer broke has its answer, its error and no score; nothing is made 0 of it."""
    broken = inspect_sample(1, "青です。", {}) | {"error": {"message": "scorer broke"}}
    file = read(write_json(tmp_path / "a.json", inspect_log([inspect_sample(0, "2です。", {"graded": 4}), broken])))
    assert [(("graded", 4.0),), ()] == [tuple((s.metric, s.value) for s in row.scores) for row in file.rows]
    assert ("青です。", "scorer broke") == (file.rows[1].answer, file.rows[1].error)
