"""Tasks from files: columns and their mapping, ids, list-like cells, and what is said about bad rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from harness.errors import HarnessError, InputError, UnknownNameError
from harness.tables import Row
from harness.tasks.files import open_file, to_samples
from harness.types import Sample, TaskSpec


def samples_of(*rows: dict[str, Any], **columns: str) -> list[Sample]:
    numbered = [Row(line=number, values=row) for number, row in enumerate(rows, start=1)]
    return to_samples(numbered, path="tasks.jsonl", columns=columns)


def refused(*rows: dict[str, Any], **columns: str) -> InputError:
    with pytest.raises(InputError) as caught:
        samples_of(*rows, **columns)
    return caught.value


def test_all_columns() -> None:
    """Every role is read; columns without a role ride along in the inputs."""
    rules = [{"type": "non_empty"}]
    [sample] = samples_of(
        {"task_id": 7, "input": "問い", "output": "答え", "eval_aspect": "観点", "rules": rules}
        | {"tags": ["要約", "敬語"], "cluster": 3, "level": 2, "note": None}
    )
    expected = Sample(
        id="7",
        inputs={"input": "問い", "level": 2, "note": None},
        reference="答え",
        criteria="観点",
        rules=tuple(rules),
        tags=("要約", "敬語"),
        cluster="3",
    )
    assert sample == expected


def test_other_names_of_the_columns() -> None:
    """`id`, `reference` and `criteria` do as well; `reference` goes before `output`, which then rides along."""
    [sample] = samples_of({"id": "a", "input": "x", "reference": "r", "criteria": "c", "output": "o"})
    assert sample == Sample(id="a", inputs={"input": "x", "output": "o"}, reference="r", criteria="c")


def test_ids_are_row_numbers_where_the_file_has_none() -> None:
    """Without an id column the ids count from 0."""
    assert [sample.id for sample in samples_of({"input": "x"}, {"input": "y"})] == ["0", "1"]


def test_blank_cells_are_nothing() -> None:
    """A CSV has no null, so a blank reference, criteria, rules, tags or cluster is none."""
    row = dict.fromkeys(["output", "eval_aspect", "rules", "tags", "cluster"], " ")
    assert samples_of({"input": "x"} | row) == [Sample(id="0", inputs={"input": "x"})]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [('[{"type": "a"}, {"type": "b"}]', ("a", "b")), ('{"type": "a"}', ("a",)), ([{"type": "a"}], ("a",)), (None, ())],
)
def test_rules_cells(cell: object, expected: tuple[str, ...]) -> None:
    """Rules are a list of objects or one object, also as JSON text."""
    [sample] = samples_of({"input": "x", "rules": cell})
    assert expected == tuple(rule["type"] for rule in sample.rules)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("a, b,,", ("a", "b")), (["a", 1], ("a", "1")), ('["a,b"]', ("a,b",)), ("", ()), (None, ())],
)
def test_tags_cells(cell: object, expected: tuple[str, ...]) -> None:
    """Tags are a list, JSON text of one, or text with commas."""
    [sample] = samples_of({"input": "x", "tags": cell})
    assert expected == sample.tags


def test_mapping() -> None:
    """Mapped columns play their role and do not ride along a second time."""
    [sample] = samples_of(
        {"question": "q", "gold": 42, "key": 1.0, "extra": 1}, input="question", reference="gold", task_id="key"
    )
    assert sample == Sample(id="1", inputs={"input": "q", "extra": 1}, reference="42")


def test_mapping_to_a_column_that_is_not_there() -> None:
    """The error lists the columns that are."""
    error = refused({"question": "q", "gold": "g"}, input="questoin")
    assert str(error) == "tasks.jsonl: no column 'questoin' (mapped to input)"
    assert error.hint == "The file's columns: question, gold."


def test_mapping_of_something_that_is_no_role() -> None:
    """A mapping written the wrong way round is a usage error with the roles."""
    with pytest.raises(UnknownNameError, match="No column role named 'question'"):
        samples_of({"question": "q"}, question="input")


def test_mapping_never_hides_another_input_column() -> None:
    """Alpaca's `instruction` and `input`: mapping one over the other would lose half of the task."""
    assert "'input' would be hidden" in str(refused({"instruction": "i", "input": "text"}, input="instruction"))


def test_no_input_column() -> None:
    """A file without `input` says how to map another column."""
    error = refused({"question": "q"})
    assert str(error) == "tasks.jsonl: no column 'input'"
    assert "The file's columns: question. Say which one holds the instructions: tasks.jsonl,input=COLUMN" == error.hint


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"task_id": 1, "input": None}, "no input"),
        ({"task_id": 1}, "no input"),
        ({"task_id": 1, "input": " \n"}, "no input"),
        ({"task_id": 1, "input": 3}, "input is not text: '3'"),
        ({"task_id": None, "input": "x"}, "no id"),
        ({"task_id": "", "input": "x"}, "no id"),
        ({"input": "x"}, "no id"),
        ({"task_id": 1.5, "input": "x"}, "'1.5' is not an id"),
        ({"task_id": [1], "input": "x"}, "'[1]' is not an id"),
        ({"task_id": True, "input": "x"}, "'True' is not an id"),
        ({"task_id": "0", "input": "x"}, "id '0' was already used on line 1"),
        ({"task_id": 0.0, "input": "x"}, "id '0' was already used on line 1"),
        ({"task_id": 1, "input": "x", "output": ["a"]}, "reference is not text"),
        ({"task_id": 1, "input": "x", "eval_aspect": True}, "criteria is not text"),
        ({"task_id": 1, "input": "x", "rules": "[{"}, "rules is not JSON"),
        ({"task_id": 1, "input": "x", "rules": '[{"min": NaN}]'}, "NaN is not a JSON value"),
        ({"task_id": 1, "input": "x", "rules": ["non_empty"]}, "rules is not a list of objects"),
        ({"task_id": 1, "input": "x", "rules": 3}, "rules is not a list of objects"),
        ({"task_id": 1, "input": "x", "tags": {"a": 1}}, "tags is neither"),
        ({"task_id": 1, "input": "x", "tags": [["a"]]}, "tags is neither"),
        ({"task_id": 1, "input": "x", "tags": "[a"}, "tags is not JSON"),
    ],
)
def test_bad_rows_name_their_line(row: dict[str, Any], says: str) -> None:
    """A row that cannot be a task is an error with file, line and value."""
    error = refused({"task_id": 0, "input": "fine"}, row)
    assert says in str(error)
    assert str(error).startswith("tasks.jsonl:2: ")


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "parquet"])
def test_the_same_task_in_every_format(tmp_path: Path, suffix: str) -> None:
    """JSONL, JSON array, CSV and Parquet copies of a task give equal samples."""
    rows = [
        {"task_id": 0, "input": "一つ目\n続き", "reference": "答え", "rules": '[{"type": "json"}]', "tags": "a,b"},
        {"task_id": 1, "input": "二つ目", "reference": "", "rules": "", "tags": ""},
    ]
    path = tmp_path / f"task.{suffix}"
    match suffix:
        case "jsonl":
            path.write_text("\n".join(json.dumps(row) for row in rows))
        case "json":
            path.write_text(json.dumps(rows))
        case "csv":
            text = 'task_id,input,reference,rules,tags\r\n0,"一つ目\r\n続き",答え,"[{""type"": ""json""}]","a,b"\r\n'
            path.write_bytes((text + "1,二つ目,,,\r\n").encode("cp932"))
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
    expected = [
        Sample(id="0", inputs={"input": "一つ目\n続き"}, reference="答え", rules=({"type": "json"},), tags=("a", "b")),
        Sample(id="1", inputs={"input": "二つ目"}),
    ]
    assert expected == list(open_file(TaskSpec(name="mine", source=str(path))).samples())


def test_a_task_without_a_file() -> None:
    """A task that is only a name says how to give it a file."""
    with pytest.raises(HarnessError, match="Task 'mine' needs a file") as caught:
        open_file(TaskSpec(name="mine"))
    assert "--task mine=PATH" in str(caught.value.hint)
