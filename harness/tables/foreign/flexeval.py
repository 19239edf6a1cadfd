"""flexeval: ``outputs.jsonl``, one line an answer."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.locale import tr, trn
from harness.tables.foreign.records import ForeignFile, ForeignRow, ForeignScore, number_score
from harness.tables.foreign.values import at, items, last_user_text, text_at, texts
from harness.tables.rows import id_text
from harness.types import FinishReason

TOOL = "flexeval"
_OWN = {"lm_output", "references", "extra_info", "finish_reason", "task_inputs", "raw_lm_output"}
_INPUTS = ("input", "question", "instruction", "prompt", "text")
_REPLY = "_output"  # behind a metric's name: what its judge said


def is_line(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any shape
    """Return whether a line is an answer of this tool."""
    return isinstance(value, dict) and "lm_output" in value and ("references" in value or "extra_info" in value)


def read_lines(lines: Sequence[tuple[int, Any]], path: str, sha256: str) -> ForeignFile:
    """Return the answers of a file."""
    for place, line in lines:
        if not is_line(line):
            raise InputError(tr("no answer of flexeval"), path=path, line=place)
    metrics = _metrics([line for _, line in lines])
    rows = [_row(line, path, place, metrics, number) for number, (place, line) in enumerate(lines)]
    return ForeignFile(tool=TOOL, path=path, sha256=sha256, rows=rows, cautions=tuple(_cautions(rows, metrics)))


def _metrics(lines: Sequence[Any]) -> list[str]:
    """Return the columns that hold scores: numbers, or nothing, in every line and a number or a judge's in one."""
    names = dict.fromkeys(name for line in lines for name in line if name not in _OWN)
    cells = {name: [line.get(name) for line in lines] for name in names}
    return [
        name
        for name in names
        if all(cell is None or _is_number(cell) for cell in cells[name])
        and (any(map(_is_number, cells[name])) or name + _REPLY in names)
    ]


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float)


def _row(line: Any, path: str, place: int, metrics: Sequence[str], number: int) -> ForeignRow:  # noqa: ANN401
    extra = at(line, "extra_info")
    ids = (id_text(at(extra, name)) for name in ("task_id", "id", "question_id"))
    answer = at(line, "lm_output")
    asked = last_user_text(items(extra, "messages"))
    ending = text_at(line, "finish_reason")
    finish: FinishReason | None = None if ending is None else "length" if ending == "length" else "stop"
    return ForeignRow(
        path=path,
        place=place,
        task_id=next(filter(None, ids), None) or str(number),
        inputs=tuple(filter(None, [asked, *texts(extra, *_INPUTS)])),
        answer=answer if isinstance(answer, str) else None,
        finish_reason=finish,
        scores=tuple(_score(line, metric) for metric in metrics),
    )


def _score(line: Any, metric: str) -> ForeignScore:  # noqa: ANN401 - a JSON value of any shape
    value = at(line, metric)
    return number_score(
        metric, float(value) if isinstance(value, bool) else value, comment=text_at(line, metric + _REPLY)
    )


def _cautions(rows: Sequence[ForeignRow], metrics: Sequence[str]) -> Iterator[str]:
    if empty := sum(row.answer is None for row in rows):
        yield trn("{n} line without an answer", "{n} lines without an answer", empty)
    for metric in metrics:
        if any(score.metric == metric and score.comment is not None for row in rows for score in row.scores):
            yield tr(
                "{metric} is the last whole number of its judge's reply, whatever else stands there", metric=metric
            )
