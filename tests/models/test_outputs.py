"""Answers that exist already: labels, ids, missing answers, and what is said about files that do not fit a task."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from harness.errors import HarnessError, InputError, UsageError
from harness.models.outputs import Outputs, open_outputs
from harness.protocols import AnswerFile
from harness.types import Generation, ModelSpec, RenderedPrompt, Request, Sampling

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def spec(path: Path | str | None, label: str | None = None) -> ModelSpec:
    text = f"outputs:{path}"
    return ModelSpec(text=text, label=label or text, backend="outputs", target=None if path is None else str(path))


def opened(path: Path | str, label: str | None = None) -> Mapping[str, Outputs]:
    return open_outputs(spec(path, label))


def jsonl(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(backend: Outputs, ids: Sequence[str], task: str = "t") -> list[Generation]:
    requests = [
        Request(
            key=sample_id,
            task=task,
            sample_id=sample_id,
            model="m",
            prompt=None,
            repeat=0,
            rendered=RenderedPrompt(messages=()),
            sampling=Sampling(),
        )
        for sample_id in ids
    ]
    return list(backend.generate(requests))


def only(backends: Mapping[str, Outputs]) -> Outputs:
    [backend] = backends.values()
    return backend


class TestAnswers:
    def test_answers_by_id(self, tmp_path: Path) -> None:
        """Each sample gets the answer with its id, whatever the order; what is asked for comes out in order."""
        path = jsonl(tmp_path, {"task_id": 1, "output": "b"}, {"task_id": 0, "output": "a\r\nx"})
        backend = only(opened(path))
        backend.check_ids("t", ["0", "1"])
        assert [(one.request_key, one.text) for one in answers(backend, ["0", "1"])] == [("0", "a\nx"), ("1", "b")]

    @pytest.mark.parametrize("checked", [True, False])
    def test_answers_by_row_order(self, tmp_path: Path, checked: bool) -> None:
        """Without ids, the row's place within its model decides."""
        path = jsonl(
            tmp_path,
            {"model": "p", "answer": "p0"},
            {"model": "q", "answer": "q0"},
            {"model": "p", "answer": "p1"},
        )
        backend = opened(path)["p"]
        if checked:
            backend.check_ids("t", ["0", "1", "2"])
        assert [one.text for one in answers(backend, ["0", "1", "2"])] == ["p0", "p1", None]

    def test_row_order_follows_the_ids_of_the_task(self, tmp_path: Path) -> None:
        """The first row belongs to the task's first id, even if that is not 0."""
        backend = only(opened(jsonl(tmp_path, {"output": "x"}, {"output": "y"})))
        backend.check_ids("t", ["b", "a"])
        assert [one.text for one in answers(backend, ["a", "b"])] == ["y", "x"]

    def test_missing_and_null_are_no_answer_and_empty_is_one(self, tmp_path: Path) -> None:
        """No row and null are unscored with a reason, never an error; an empty string is an answer."""
        path = jsonl(tmp_path, {"task_id": 0, "output": None}, {"task_id": 1, "output": ""}, {"task_id": 2})
        backend = only(opened(path))
        backend.check_ids("t", ["0", "1", "2", "3"])
        expected = [
            Generation(request_key="0", text=None, error=f"no answer in {path}"),
            Generation(request_key="1", text="", finish_reason=None),
            Generation(request_key="2", text=None, error=f"no answer in {path}"),
            Generation(request_key="3", text=None, error=f"no answer in {path}"),
        ]
        assert expected == answers(backend, ["0", "1", "2", "3"])

    def test_finish_reason_and_tokens_are_kept(self, tmp_path: Path) -> None:
        """An answer marked as cut short stays marked; any other reason is a stop, and no reason is unknown."""
        rows = [
            {"task_id": 0, "output": "a", "finish_reason": "length", "tokens_out": 512},
            {"task_id": 1, "output": "b", "finish_reason": "MAX_TOKENS", "tokens_out": 512.0},
            {"task_id": 2, "output": "c", "finish_reason": "stop", "tokens_out": "many"},
            {"task_id": 3, "output": "d"},
        ]
        found = answers(only(opened(jsonl(tmp_path, *rows))), ["0", "1", "2", "3"])
        assert [(one.finish_reason, one.tokens_out) for one in found] == [
            ("length", 512),
            ("length", 512),
            ("stop", None),
            (None, None),
        ]

    def test_numbers_are_answers_and_other_values_are_not(self, tmp_path: Path) -> None:
        """`42` may answer a sum; a list is an error that names the line."""
        [answer] = answers(only(opened(jsonl(tmp_path, {"task_id": 0, "output": 42}))), ["0"])
        assert answer.text == "42"
        with pytest.raises(InputError, match=r"answers\.jsonl:1: output is not text"):
            opened(jsonl(tmp_path, {"task_id": 0, "output": ["a"]}))

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_ids_that_became_floats(self, tmp_path: Path, suffix: str) -> None:
        """Data frames write ids as 0.0; they still are the ids 0 and 1."""
        path = tmp_path / f"answers.{suffix}"
        if suffix == "csv":
            path.write_text("task_id,output\n0.0,a\n1.0,b\n")
        else:
            pq.write_table(pa.table({"task_id": [0.0, 1.0], "output": ["a", "b"]}), path)
        backend = only(opened(path))
        backend.check_ids("t", ["0", "1"])
        assert [one.text for one in answers(backend, ["0", "1"])] == ["a", "b"]


class TestLabels:
    ROWS = ({"model": "p", "task_id": 0, "output": "x"}, {"model": "q", "task_id": 0, "output": "y"})

    def test_model_values_are_the_labels(self, tmp_path: Path) -> None:
        """A model column makes one row a model, in order of appearance."""
        assert list(opened(jsonl(tmp_path, *self.ROWS))) == ["p", "q"]

    def test_own_label_before_several_models(self, tmp_path: Path) -> None:
        """LABEL= with several models gives LABEL/value."""
        assert list(opened(jsonl(tmp_path, *self.ROWS), "mine")) == ["mine/p", "mine/q"]

    def test_own_label_for_one_model(self, tmp_path: Path) -> None:
        """LABEL= with one model is the label."""
        assert list(opened(jsonl(tmp_path, self.ROWS[0]), "mine")) == ["mine"]

    @pytest.mark.parametrize("label", [None, "mine"])
    def test_no_model_column(self, tmp_path: Path, label: str | None) -> None:
        """Without a model column the label is the spec's: as typed, or the user's own."""
        path = jsonl(tmp_path, {"task_id": 0, "output": "x"})
        assert list(opened(path, label)) == [label or f"outputs:{path}"]

    def test_row_without_a_model(self, tmp_path: Path) -> None:
        """In a file with a model column every row names its model."""
        with pytest.raises(InputError, match=r"answers\.jsonl:2: no model"):
            opened(jsonl(tmp_path, self.ROWS[0], {"model": " ", "task_id": 0, "output": "y"}))

    def test_fingerprint_is_file_and_model(self, tmp_path: Path) -> None:
        """The fingerprint holds the file's sha256 and the model's value, and no label."""
        path = jsonl(tmp_path, *self.ROWS)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = {label: backend.fingerprint for label, backend in opened(path).items()}
        assert found == {name: f"outputs.v1 sha256={digest} model={name}" for name in ("p", "q")}
        assert opened(path, "mine")["mine/p"].fingerprint == found["p"]


class TestIds:
    def test_unknown_id(self, tmp_path: Path) -> None:
        """An id that the task does not have is an error with its line, and says which ids there are."""
        backend = only(opened(jsonl(tmp_path, {"task_id": 0, "output": "x"}, {"task_id": 100, "output": "y"})))
        with pytest.raises(InputError, match=r"answers\.jsonl:2: t has no task with id '100'") as caught:
            backend.check_ids("t", [str(number) for number in range(100)])
        assert caught.value.hint == "Its 100 ids run from '0' to '99'."

    def test_doubled_id(self, tmp_path: Path) -> None:
        """Two answers of one model to one task are an error with both lines; of two models they are not."""
        rows = [{"model": name, "task_id": 0, "output": "x"} for name in ("p", "q", "p")]
        backends = opened(jsonl(tmp_path, *rows))
        backends["q"].check_ids("t", ["0"])
        with pytest.raises(InputError, match=r"answers\.jsonl:3: a second answer to task '0', after line 1"):
            backends["p"].check_ids("t", ["0"])

    def test_more_rows_than_tasks(self, tmp_path: Path) -> None:
        """In row order, a row too many is an error with its line."""
        backend = only(opened(jsonl(tmp_path, {"output": "x"}, {"output": "y"}, {"output": "z"})))
        with pytest.raises(InputError, match=r"answers\.jsonl:3: row 3 of answers without ids, but t has 2 tasks"):
            backend.check_ids("t", ["0", "1"])

    @pytest.mark.parametrize("cell", [None, "", 1.5, [1]])
    def test_missing_id(self, tmp_path: Path, cell: object) -> None:
        """In a file with ids every row has one."""
        with pytest.raises(InputError, match=r"answers\.jsonl:2: no task_id"):
            opened(jsonl(tmp_path, {"task_id": 0, "output": "x"}, {"task_id": cell, "output": "y"}))

    def test_task_column(self, tmp_path: Path) -> None:
        """Rows of another task are left out; rows that name none belong to every task."""
        rows: list[dict[str, Any]] = [
            {"task": "t", "id": 0, "output": "t0"},
            {"task": "u", "id": 0, "output": "u0"},
            {"task": "u", "id": 9, "output": "u9"},
            {"task": None, "id": 1, "output": "any"},
        ]
        backend = only(opened(jsonl(tmp_path, *rows)))
        backend.check_ids("t", ["0", "1"])
        backend.check_ids("u", ["0", "1", "9"])
        assert [one.text for one in answers(backend, ["0", "1"], "t")] == ["t0", "any"]
        assert [one.text for one in answers(backend, ["0", "1", "9"], "u")] == ["u0", "any", "u9"]


class TestFiles:
    def test_is_an_answer_file(self, tmp_path: Path) -> None:
        """The engine knows by the protocol that no prompt is needed."""
        assert isinstance(only(opened(jsonl(tmp_path, {"output": "x"}))), AnswerFile)

    def test_no_path(self) -> None:
        """`--model outputs` without a file is a usage error."""
        with pytest.raises(UsageError, match="needs a file"):
            open_outputs(spec(None))

    def test_columns_by_other_names(self, tmp_path: Path) -> None:
        """Columns are named behind the path; another column of the same file is another model to the store."""
        path = jsonl(tmp_path, {"番号": 0, "回答": "甲", "草稿": "乙"}, {"番号": 1, "回答": "丙", "草稿": "丁"})
        first, second = (next(iter(opened(f"{path},output={column},id=番号").values())) for column in ("回答", "草稿"))
        assert ["甲", "丙"] == [one.text for one in answers(first, ["0", "1"])]
        assert ["丁"] == [one.text for one in answers(second, ["1"])]
        assert first.fingerprint != second.fingerprint

    def test_no_answer_column(self, tmp_path: Path) -> None:
        """A file without answers lists what it has."""
        with pytest.raises(InputError, match="no column 'output' or 'answer'") as caught:
            opened(jsonl(tmp_path, {"task_id": 0, "text": "x"}))
        assert "The file's columns: task_id, text. Say which one holds the answers: outputs:" in str(caught.value.hint)
        assert str(caught.value.hint).endswith("answers.jsonl,output=text")

    def test_missing_file(self, tmp_path: Path) -> None:
        """A file that is not there is an expected failure."""
        with pytest.raises(HarnessError, match="no such file"):
            opened(tmp_path / "none.parquet")

    @pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
    def test_sixty_real_models(self) -> None:
        """6,000 real answers of 60 models open, are checked, and equal the file's (read with pyarrow)."""
        path = SHARED / "shaberi" / "answers.parquet"
        ids = [str(number) for number in range(100)]
        backends = opened(path)
        for backend in backends.values():
            backend.check_ids("elyza-tasks-100", ids)
        expected = {
            (row["model"], str(row["task_id"])): row["answer"].replace("\r\n", "\n")
            for row in pq.read_table(path).to_pylist()
        }
        found = {
            (label, one.request_key): one.text for label, backend in backends.items() for one in answers(backend, ids)
        }
        assert len(backends) == 60
        assert expected == found
