"""A run's rows as one table: a line for each answer, judge and repeat, for data frames, spreadsheets and programs.

Every answer is there, whether it was judged or not, and every verdict, whether it has a score or not: what is missing
stands with its reason. Nothing is averaged and nothing rounded.
"""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pyarrow import parquet as pq

from harness.engine.plan import JudgementItem
from harness.errors import UnwritableError
from harness.human.draw import cell as guarded
from harness.locale import tr
from harness.locale.system import system_said
from harness.runs.run import Run
from harness.tables.workbook import MOST_ROWS, workbook
from harness.types import Generation, Request, Sample

Format = Literal["parquet", "csv", "xlsx", "jsonl"]
FORMATS: tuple[Format, ...] = ("parquet", "csv", "xlsx", "jsonl")

COLUMNS = pa.schema(
    [
        pa.field("run", pa.string()),
        pa.field("task", pa.string()),
        pa.field("task_id", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("cluster", pa.string()),
        pa.field("input", pa.string()),
        pa.field("reference", pa.string()),
        pa.field("criteria", pa.string()),
        pa.field("model", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("repeat", pa.int32()),
        pa.field("answer", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("tokens_in", pa.int64()),
        pa.field("tokens_out", pa.int64()),
        pa.field("seconds", pa.float64()),
        pa.field("judge", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("scale_low", pa.float64()),
        pa.field("scale_high", pa.float64()),
        pa.field("judge_repeat", pa.int32()),
        pa.field("status", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("reason_code", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("rationale", pa.string()),
        pa.field("judge_version", pa.string()),
        pa.field("cost", pa.float64()),
    ]
)
"""The columns, in order. ``reason`` says why there is no score (or no answer), and ``reason_code`` of what kind;
``cost`` is in US dollars."""


def scores_table(run: Run) -> pa.Table:
    """Return one line for each answer, judge and repeat of a run, in plan order; columns as in `COLUMNS`.

    An answer that no judge was asked about has one line with an empty ``judge``.
    """
    rows = list(_rows(run))
    arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(COLUMNS)]
    return pa.Table.from_arrays(arrays, schema=COLUMNS)


def _rows(run: Run) -> Iterator[tuple[Any, ...]]:
    samples = {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
    judges = {judge.name: judge for judge in run.judges}
    asked: dict[tuple[str, str, str, str | None, int], list[JudgementItem]] = {}
    for item in run.items:
        asked.setdefault(_place(item.request), []).append(item)
    for request in run.requests:
        about = _answer(run.name, request, samples[request.task, request.sample_id], run.answers.get(request.key))
        items = asked.get(_place(request), [])
        for item in items:
            judge, verdict = judges[item.judge], run.verdict(item)
            yield (
                *about, judge.name, judge.kind, judge.scale.low, judge.scale.high, item.judge_repeat, verdict.status,
                verdict.score, verdict.code, _text(verdict.reason), _text(verdict.rationale), _text(verdict.version),
                verdict.cost,
            )  # fmt: skip
        if not items:
            generation = run.answers.get(request.key)
            yield *about, *([None] * 8), None if generation is None else _text(generation.error), None, None, None


def _place(request: Request) -> tuple[str, str, str, str | None, int]:
    return request.task, request.sample_id, request.model, request.prompt, request.repeat


def _answer(run: str, request: Request, sample: Sample, generation: Generation | None) -> tuple[Any, ...]:
    given: tuple[str | float | None, ...] = (None,) * 5
    if generation is not None:
        given = (
            _text(generation.text), generation.finish_reason, generation.tokens_in, generation.tokens_out,
            generation.seconds,
        )  # fmt: skip
    return (
        _text(run), _text(request.task), _text(sample.id), [_text(tag) for tag in sample.tags], _text(sample.cluster),
        _text(sample.input), _text(sample.reference), _text(sample.criteria), _text(request.model),
        _text(request.prompt), request.repeat, *given,
    )  # fmt: skip


def _text(text: str | None) -> str | None:
    """Return text that UTF-8 can hold: a model may give half a character."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def write_table(table: pa.Table, path: Path, form: Format) -> None:
    """Write a table to a file.

    CSV and xlsx are for spreadsheets: text that would run as a formula is shown as text, and what is too long for a
    cell is cut and says so. Parquet and JSONL hold everything as it is.

    Raises:
        HarnessError: the file cannot be written, or a sheet does not hold as many rows.
    """
    try:
        _WRITERS[form](table, path)
    except OSError as error:
        raise UnwritableError(
            tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error)),
            hint=tr("Name another file: --output PATH."),
        ) from error


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in table.to_batches(max_chunksize=1024):
            file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in batch.to_pylist())


def _write_csv(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # Excel takes UTF-8 for what it is by its mark
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(table.column_names)
        writer.writerows(_flat(table))


def _write_xlsx(table: pa.Table, path: Path) -> None:
    if table.num_rows > MOST_ROWS:
        raise UnwritableError(
            tr(
                "{num_rows:,} rows do not fit on a sheet, which holds {most_rows:,}.",
                num_rows=table.num_rows,
                most_rows=MOST_ROWS,
            ),
            hint=tr("Use --format parquet."),
        )
    # The bytes are made in memory, so that a full disk is one error.
    path.write_bytes(workbook({"scores": itertools.chain([table.column_names], _flat(table))}))


def _flat(table: pa.Table) -> Iterator[list[Any]]:
    """Yield rows of cells: lists as text, text made harmless."""
    for batch in table.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            yield [_cell(value) for value in row.values()]


def _cell(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = "; ".join(value)
    return guarded(value) if isinstance(value, str) else value


_WRITERS: Mapping[Format, Callable[[pa.Table, Path], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "xlsx": _write_xlsx,
    "jsonl": _write_jsonl,
}
