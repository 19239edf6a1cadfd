"""`outputs:PATH` of what another tool wrote: the answers in its log, by the task that was asked."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import InputError
from harness.locale import listing, tr, trn
from harness.notices import Notice
from harness.tables import compact, id_text
from harness.tables.foreign import ForeignFile, ForeignRow, match_rows, recognised, told
from harness.types import Generation, ModelSpec, Request, Sample


class ForeignOutputs:
    """The answers of one model in other tools' files; an `AnswerFile` with as many repeats as it has epochs."""

    def __init__(
        self, file: ForeignFile, rows: Sequence[ForeignRow], *, model: str | None, notices: Sequence[Notice]
    ) -> None:
        self.fingerprint = f"outputs.foreign.v1 sha256={file.sha256}" + ("" if model is None else f" model={model}")
        self.repeats = max(row.epoch for row in rows) + 1
        self._notices = list(notices)
        self._file = file
        self._named = file.path if model is None else f"{file.path} ({model})"
        self._rows = rows
        self._found: dict[str, dict[tuple[str, int], ForeignRow]] = {}

    def meet(self, task: str, samples: Sequence[Sample]) -> list[Notice]:
        """Find the task of each answer, and return what the user should know.

        Raises:
            InputError: an answer has no place in ``task``, several ask the same, or none is about it.
        """
        matched = match_rows(self._rows, task, samples)
        if matched.strays or not matched.ids:
            raise self._homeless(task, samples, matched.strays or self._rows)
        found: dict[tuple[str, int], ForeignRow] = {}
        for row in self._rows:
            if (sample_id := matched.ids.get((row.path, row.place))) is None:
                continue
            first = found.setdefault((sample_id, row.epoch), row)
            if first is not row:
                where = row.place if first.path == row.path else f"{row.place} ({Path(row.path).name})"
                raise InputError(
                    tr(
                        "{place} is a second answer to task {task_id!r}, after {first}",
                        place=where,
                        task_id=sample_id,
                        first=first.place,
                    ),
                    path=first.path,
                    hint=tr("One file, or one model's label, holds one answer a task; repeats are epochs."),
                )
        self._found[task] = found
        notices, self._notices = self._notices, []
        if matched.renamed:
            notices.append(
                Notice(
                    "answers_by_text",
                    trn(
                        "{path}: {n} answer has another id than the task of {task} it answers; what was asked decided.",
                        "{path}: {n} answers have other ids than the tasks of {task} they answer; what was asked "
                        "decided.",
                        matched.renamed,
                        path=self._named,
                        task=task,
                    ),
                )
            )
        return notices

    def _homeless(self, task: str, samples: Sequence[Sample], rows: Sequence[ForeignRow]) -> InputError:
        first, least = rows[0], samples[0]
        return InputError(
            trn(
                "{n} answer is to no task of {task}: number {places}",
                "{n} answers are to no task of {task}: numbers {places}",
                len(rows),
                task=task,
                places=compact([row.place for row in rows][:1_000]),
            ),
            path=first.path,
            hint=tr(
                "The first asks {asked!r} and has the id {task_id}; {task} begins with {input!r}, id {sample_id}. "
                "Name the task set that the tool used, or write a table with task_id and output.",
                asked=(first.inputs or ("",))[0][:40],
                task_id=first.task_id or tr("of nothing"),
                task=task,
                input=least.input[:40],
                sample_id=least.id,
            ),
        )

    def check_ids(self, task: str, sample_ids: Sequence[str]) -> None:
        """Do nothing: `meet` has seen the samples whole."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield the stored answer to each request, in order; where there is none, ``text`` is None and says so."""
        for request in requests:
            row = self._found.get(request.task, {}).get((id_text(request.sample_id) or "", request.repeat))
            if row is None or row.answer is None:
                said = row.error if row is not None else None
                error = tr("no answer in {path}", path=self._file.path)
                if said:
                    error = tr("no answer in {path}: {said}", path=self._file.path, said=said)
                yield Generation(request_key=request.key, text=None, error=error)
            else:
                yield Generation(request_key=request.key, text=row.answer, finish_reason=row.finish_reason)


def foreign_outputs(spec: ModelSpec, file: ForeignFile) -> Mapping[str, ForeignOutputs]:
    """Return one backend per model of another tool's file, by label, as `open_outputs` does for tables.

    Raises:
        InputError: it holds no answer in words.
    """
    by_model: dict[str | None, list[ForeignRow]] = {}
    for row in file.rows:
        by_model.setdefault(row.model, []).append(row)
    if all(row.answer is None for row in file.rows):
        raise InputError(
            tr("recognised as {tool}, but it holds no answer in words", tool=file.tool),
            path=file.path,
            hint=listing(file.cautions) or None,
        )
    notices = [recognised(file), *told(file)]
    return {
        _label(spec, model, n_models=len(by_model)): ForeignOutputs(
            file, rows, model=model, notices=notices if model == next(iter(by_model)) else ()
        )
        for model, rows in by_model.items()
    }


def _label(spec: ModelSpec, model: str | None, *, n_models: int) -> str:
    if model is None or (spec.is_labelled and n_models == 1):
        return spec.label
    return f"{spec.label}/{model}" if spec.is_labelled else model
