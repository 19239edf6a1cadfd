"""The models `outputs:PATH`: answers that exist already, read from a JSONL, JSON, CSV or Parquet file."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import InputError, UsageError
from harness.locale import tr
from harness.models.foreign import ForeignOutputs, foreign_outputs
from harness.tables import Row, Table, id_text, name_text, read_table, shorten
from harness.tables.foreign import read_foreign
from harness.tables.typed_path import typed_path
from harness.types import FinishReason, Generation, ModelSpec, Request

_ID_COLUMNS = ("task_id", "id")
_ANSWER_COLUMNS = ("output", "answer")
_ROLES = {
    **dict.fromkeys(_ID_COLUMNS, "task_id"),
    **dict.fromkeys(_ANSWER_COLUMNS, "output"),
    **{name: name for name in ("model", "task", "finish_reason", "tokens_out")},
}
_COUNT = re.compile(r"[0-9]{1,12}")  # tokens of an answer; the store holds no number without end
_CUT_SHORT = {"length", "max_tokens"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """One row of an answer file. ``sample_id`` None: the file has no ids, and the row's place decides."""

    line: int
    task: str | None
    sample_id: str | None
    text: str | None
    finish_reason: FinishReason | None
    tokens_out: int | None


class Outputs:
    """The answers of one model in an answer file; an `AnswerFile`."""

    def __init__(self, answers: Sequence[FileAnswer], *, path: str, sha256: str, model: str | None) -> None:
        self.fingerprint = f"outputs.v1 sha256={sha256}" + ("" if model is None else f" model={model}")
        self._path = path
        self._answers = answers
        self._by_task: dict[str, dict[str, FileAnswer]] = {}

    def check_ids(self, task: str, sample_ids: Sequence[str]) -> None:
        """Raise InputError if an answer belongs to no sample of ``task``, or two to the same one.

        ``sample_ids`` are all ids of the task in order: a row of a file without ids belongs to the id at its place.
        """
        known = {id_text(sample_id) for sample_id in sample_ids}
        found: dict[str, FileAnswer] = {}
        for place, answer in enumerate(self._of_task(task)):
            if answer.sample_id is None and place >= len(sample_ids):
                raise self._error(
                    tr(
                        "row {value} of answers without ids, but {task} has {n_known} tasks",
                        value=place + 1,
                        task=task,
                        n_known=len(known),
                    ),
                    answer,
                )
            sample_id = answer.sample_id or str(id_text(sample_ids[place]))
            if sample_id not in known:
                raise InputError(
                    tr("{task} has no task with id {sample_id}", task=task, sample_id=shorten(sample_id)),
                    path=self._path,
                    line=answer.line,
                    hint=tr(
                        "Its {n_known} ids run from {sample_ids!r} to {sample_ids_2!r}.",
                        n_known=len(known),
                        sample_ids=sample_ids[0],
                        sample_ids_2=sample_ids[-1],
                    )
                    if known
                    else None,
                )
            if sample_id in found:
                raise self._error(
                    tr(
                        "a second answer to task {task_id!r}, after line {line}",
                        task_id=sample_id,
                        line=found[sample_id].line,
                    ),
                    answer,
                )
            found[sample_id] = answer
        self._by_task[task] = found

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield the stored answer to each request, in order; where there is none, ``text`` is None and says so."""
        for request in requests:
            answer = self._answers_by_id(request.task).get(id_text(request.sample_id) or "")
            if answer is None or answer.text is None:
                yield Generation(request_key=request.key, text=None, error=tr("no answer in {path}", path=self._path))
            else:
                yield Generation(
                    request_key=request.key,
                    text=answer.text,
                    finish_reason=answer.finish_reason,
                    tokens_out=answer.tokens_out,
                )

    def _answers_by_id(self, task: str) -> Mapping[str, FileAnswer]:
        if task not in self._by_task:
            places = enumerate(self._of_task(task))
            self._by_task[task] = {answer.sample_id or str(place): answer for place, answer in places}
        return self._by_task[task]

    def _of_task(self, task: str) -> list[FileAnswer]:
        """Return the rows of one task: those that name it, and those that name none."""
        return [answer for answer in self._answers if answer.task in {None, task}]

    def _error(self, message: str, answer: FileAnswer) -> InputError:
        return InputError(message, path=self._path, line=answer.line)


def open_outputs(spec: ModelSpec) -> Mapping[str, Outputs | ForeignOutputs]:
    """Return one backend per model of the answer file at ``spec.target``, by label.

    What inspect_ai, lm-evaluation-harness, promptfoo, deepeval or flexeval wrote is recognised by its content, one file
    or all files of a folder. Any other file is a table.

    The columns are ``task_id`` or ``id`` (else the row's place within its model), ``output`` or ``answer``, and, where
    they exist, ``model``, ``task``, ``finish_reason`` ("length" marks an answer that was cut short) and ``tokens_out``.
    Other names are given behind the path: ``answers.csv,output=text,task_id=no``.
    The values of ``model`` are the labels; under a label of the user's own, ``LABEL/value`` if there are several.

    Raises:
        UsageError: no file was named.
        InputError: the file cannot be read, has no answers, or a row has no id or no model.
    """
    if spec.target is None:
        raise UsageError(tr("The model 'outputs' needs a file."), hint=tr("Pass --model outputs:PATH."))
    typed = typed_path(spec.target, _ROLES)
    foreign = None if typed.view else read_foreign(typed.path)
    if foreign is not None:
        return foreign_outputs(spec, foreign)
    table = read_table(spec.target, roles=_ROLES)
    by_model = _answers_by_model(table)
    return {
        _label(spec, model, n_models=len(by_model)): Outputs(answers, path=table.path, sha256=table.sha256, model=model)
        for model, answers in by_model.items()
    }


def _label(spec: ModelSpec, model: str | None, *, n_models: int) -> str:
    if model is None or (spec.is_labelled and n_models == 1):
        return spec.label
    return f"{spec.label}/{model}" if spec.is_labelled else model


def _answers_by_model(table: Table) -> dict[str | None, list[FileAnswer]]:
    columns = table.columns
    answer_column = next((name for name in _ANSWER_COLUMNS if name in columns), None)
    id_column = next((name for name in _ID_COLUMNS if name in columns), None)
    if answer_column is None:
        raise InputError(
            tr("no column 'output' or 'answer'"),
            path=table.path,
            hint=tr(
                "The file's columns: {columns}. Say which one holds the answers: outputs:{path},output={column}",
                columns=", ".join(columns),
                path=table.path,
                column=_wordiest(table),
            ),
        )
    by_model: dict[str | None, list[FileAnswer]] = {}
    for row in table.rows:
        try:
            model = _required(name_text, row, "model") if "model" in columns else None
            by_model.setdefault(model, []).append(_answer(row, id_column, answer_column))
        except ValueError as error:
            raise InputError(error.args[0], path=table.path, line=row.line) from None
    return by_model


def _wordiest(table: Table) -> str:
    """Return the column with the most text: most likely it holds the answers."""
    return max(table.columns, key=lambda name: sum(len(str(row.values.get(name) or "")) for row in table.rows))


def _answer(row: Row, id_column: str | None, answer_column: str) -> FileAnswer:
    values = row.values
    ending = name_text(values.get("finish_reason"))
    tokens_out = id_text(values.get("tokens_out"))
    return FileAnswer(
        line=row.line,
        task=name_text(values.get("task")),
        sample_id=None if id_column is None else _required(id_text, row, id_column),
        text=_text(values.get(answer_column), answer_column),
        finish_reason=None if ending is None else "length" if ending.lower() in _CUT_SHORT else "stop",
        tokens_out=int(tokens_out) if tokens_out is not None and _COUNT.fullmatch(tokens_out) else None,
    )


def _required(text_of: Callable[[object], str | None], row: Row, column: str) -> str:
    cell = row.values.get(column)
    text = text_of(cell)
    if text is None:
        raise ValueError(
            tr("no {column}", column=column)
            if cell is None
            else tr("no {column}: {cell}", column=column, cell=shorten(cell))
        )
    return text


def _text(cell: object, column: str) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError(tr("{column} is not text: {cell}", column=column, cell=shorten(cell)))
