"""A file of what people said of pairs: one verdict a line, read as strictly as ratings are.

Columns: ``model_a``, ``model_b``, ``task_id``, ``verdict`` (A, B or tie); and, where there are any, ``task``,
``prompt_a``, ``prompt_b``, ``rater``, ``order`` (AB: A was shown first, the default; BA: B was), ``skip``, ``comment``.
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import InputError
from harness.locale import tr
from harness.pairs.answer_pair import FIRST, SECOND, TIE, letter_of
from harness.pairs.planned import PairOfRows, PairRating
from harness.tables import Row, Table, id_text, name_text
from harness.tables.cells import guarded
from harness.types import PlannedTask, RowKey

NEEDED = ("model_a", "model_b", "task_id", "verdict")
COLUMNS = (*NEEDED, "task", "prompt_a", "prompt_b", "rater", "order", "skip", "comment")
_VERDICTS = {"a": FIRST, "b": SECOND, "tie": TIE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFile:
    """The verdicts of a file that fit a run, the pairs that they are about, and sentences on what was left out."""

    ratings: tuple[PairRating, ...]
    pairs: tuple[PairOfRows, ...]
    sha256: str
    notices: tuple[str, ...]


def holds_pairs(table: Table) -> bool:
    """Return whether a table is of verdicts on pairs."""
    return set(NEEDED) <= {name.strip().casefold() for name in table.columns}


def read_pair_ratings(table: Table, tasks: Sequence[PlannedTask], rows: Sequence[RowKey], *, baseline: str) -> PairFile:
    """Return the verdicts of a table on the rows of a run.

    A model without a prompt is its one row. Rows of models or tasks that the run does not have are left out and told.

    Raises:
        InputError: a column is missing, a verdict or an order is none, a model meets itself, a model has several
            prompts and none is named, or nothing fits the run.
    """
    columns = {name.strip().casefold(): name for name in table.columns}
    for needed in NEEDED:
        if needed not in columns:
            raise InputError(tr("no column {needed!r}", needed=needed), path=table.path, line=1)
    known = {(task.name, sample.id) for task in tasks for sample in task.samples}
    found: list[PairRating] = []
    unknown: list[int] = []
    for row in table.rows:
        values = {name: row.values.get(column) for name, column in columns.items()}
        if not any(str(value or "").strip() for value in values.values()):
            continue
        rating = _rating(values, row, table.path, tasks, rows)
        if rating is None or (rating.task, rating.task_id) not in known:
            unknown.append(row.line)
        else:
            found.append(rating)
    if not found:
        raise InputError(
            tr("no verdict is about two models and a task of this run"),
            path=table.path,
            hint=tr("Models of this run: {models}.", models=", ".join(dict.fromkeys(row.model for row in rows))),
        )
    said = []
    if unknown:
        lines = ", ".join(map(str, unknown[:8]))
        said.append(
            tr("{path}: verdicts on models or tasks that this run does not have were left out (lines {lines}).",
               path=table.path, lines=lines)
        )  # fmt: skip
    digest = hashlib.sha256(pair_ratings_text(found).encode("utf-8", "surrogatepass")).hexdigest()
    return PairFile(ratings=tuple(found), pairs=pairs_of(found, baseline), sha256=digest, notices=tuple(said))


def pairs_of(ratings: Sequence[PairRating], baseline: str) -> tuple[PairOfRows, ...]:
    """Return the pairs that ratings are about, the baseline as opponent where it is one of the two."""
    pairs: dict[frozenset[RowKey], PairOfRows] = {}
    for one in ratings:
        ends = sorted((one.first, one.second), key=lambda row: (row.model == baseline, row.model, row.prompt or ""))
        pairs.setdefault(frozenset(ends), PairOfRows(candidate=ends[0], opponent=ends[1]))
    return tuple(pairs.values())


def _rating(
    values: Mapping[str, object], row: Row, path: str, tasks: Sequence[PlannedTask], rows: Sequence[RowKey]
) -> PairRating | None:
    """Return the rating of a line, None if the run lacks one of its models."""
    sides = [_side(values, letter, row, path, rows) for letter in "ab"]
    if sides[0] is None or sides[1] is None:
        return None
    if sides[0] == sides[1]:
        raise InputError(tr("model {name!r} meets itself", name=sides[0].model), path=path, line=row.line)
    share, skip = _verdict(values, row, path)
    order = (name_text(values.get("order")) or "AB").upper()
    if order not in {"AB", "BA"}:
        raise InputError(tr("order {order!r} is neither AB nor BA", order=order[:20]), path=path, line=row.line)
    if order == "BA":
        sides.reverse()
        share = None if share is None else 1 - share
    task = name_text(values.get("task")) or (tasks[0].name if len(tasks) == 1 else None)
    if task is None:
        raise InputError(
            tr("the run has several task sets, and the line names none in a column 'task'"), path=path, line=row.line
        )
    first, second = sides
    assert first is not None
    assert second is not None
    return PairRating(
        task=task,
        task_id=id_text(values.get("task_id")) or "",
        first=first,
        second=second,
        share=share,
        rater=name_text(values.get("rater")),
        skip=skip,
        comment=name_text(values.get("comment")),
    )


def _verdict(values: Mapping[str, object], row: Row, path: str) -> tuple[float | None, str | None]:
    """Return the share of model A and why there is none."""
    said, skip = (name_text(values.get(name)) or "" for name in ("verdict", "skip"))
    if not said:
        return None, skip or "other"
    share = _VERDICTS.get(said.casefold())
    if share is None:
        raise InputError(
            tr("verdict {said!r} is none of A, B and tie", said=said[:20]),
            path=path,
            line=row.line,
            hint=tr("Leave it empty where the rater gave none."),
        )
    return share, None


def _side(values: Mapping[str, object], letter: str, row: Row, path: str, rows: Sequence[RowKey]) -> RowKey | None:
    model, prompt = (name_text(values.get(f"{part}_{letter}")) for part in ("model", "prompt"))
    own = [one for one in rows if one.model == model and (prompt is None or one.prompt == prompt)]
    if len(own) > 1:
        raise InputError(
            tr("model {model!r} has several prompts in this run, and the line names none in {column!r}",
               model=model, column=f"prompt_{letter}"),
            path=path,
            line=row.line,
        )  # fmt: skip
    return own[0] if own else None


def pair_ratings_text(ratings: Sequence[PairRating]) -> str:
    """Return ratings as CSV that `read_pair_ratings` reads; A is always the answer that was shown first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in ratings:
        verdict = "" if one.share is None else letter_of(one.share)
        cells = [one.first.model, one.second.model, one.task_id, verdict, one.task, one.first.prompt or "",
                 one.second.prompt or "", one.rater or "", "AB", one.skip or "", one.comment or ""]  # fmt: skip
        writer.writerow([guarded(cell) for cell in cells])
    return text.getvalue()
