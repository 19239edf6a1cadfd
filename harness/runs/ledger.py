"""A finished run in the ledger: what was compared is written there once, and the run keeps what that means for it.

The figures of a run hold as of its finish: later tries do not change them. ``harness history`` shows every try as of
today. What needs statistics is behind `enter`, which a command that finds everything done never opens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from harness.analysis.ledger import OwnBoard, board_ledger
from harness.analysis.scores import ScoreTable
from harness.analysis.tried import BoardLedger
from harness.codec import digest
from harness.errors import StoreError
from harness.ledger import Ledger, LedgerRow, TaskSet, is_try, item_keys, task_set, with_rows
from harness.locale import tr, trn
from harness.notices import Notice
from harness.runs.boards import board_tables
from harness.runs.run import Run
from harness.stats.arrays import number
from harness.store.ledger import add_rows, read_ledger
from harness.store.store import Store
from harness.types import Request, RowKey, Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    board: OwnBoard
    rows: tuple[LedgerRow, ...]


def entered(run: Run, store: Store, *, before: Sequence[BoardLedger], date: str) -> Run:
    """Return a run whose boards are in the store's ledger, with what that comes to.

    A board of ``before`` on which nothing changed stays as it was. Where the store cannot be written the tries that it
    knows are counted all the same, a notice says so, and the next command tries again.
    """
    sets = {task.name: task_set(task.name, task.samples, date) for task in run.tasks}
    given, candidates = _given(run), _candidates(run)
    entries = [
        _entry(
            _Table(
                scores=table,
                taskset=sets[table.task],
                run=run,
                candidates=candidates[table.task],
                given=given[table.task],
            ),
            date,
        )
        for table in board_tables(run)
        if table.rows
    ]
    rows = [row for entry in entries for row in entry.rows]
    notices, is_written = run.manifest.notices, True
    try:
        ledger = add_rows(store, tuple(sets.values()), rows)
    except StoreError as error:
        ledger, is_written = with_rows(_readable(store), tuple(sets.values()), rows), False
        said = Notice(
            "ledger_not_written",
            tr("What was tried could not be written into the ledger: {error}", error=error.message),
        )
        notices = tuple(dict.fromkeys([*notices, said]))
    notices = tuple(dict.fromkeys([*notices, *_overlaps(ledger, entries)]))
    kept = {(one.task, one.judge, one.content): one for one in before if one.content}
    boards = [entry.board if is_written else replace(entry.board, content="") for entry in entries]
    found = tuple(
        kept.get((board.task, board.judge, board.content))
        or board_ledger(ledger, board, confidence=run.manifest.confidence, date=date)
        for board in boards
    )
    return replace(run, manifest=replace(run.manifest, ledger=found, notices=notices))


def _overlaps(ledger: Ledger, entries: Sequence[_Entry]) -> list[Notice]:
    """Return what no correction counts: earlier tries on sets that share only some tasks with a board of this run."""
    said: list[Notice] = []
    for board in (entry.board for entry in entries):
        here = {candidate for candidate, _ in board.candidates.values()}
        own = [row.number or inf for row in ledger.of([board.taskset], board.judge_key) if row.candidate in here]
        others = ledger.overlapping(board.taskset.items)
        rows = [row for row in ledger.of(others, board.judge_key) if is_try(row) and row.number]
        earlier = [row for row in rows if row.number < min(own, default=inf)]
        if earlier:
            seen = {item for one in others if any(row.taskset == one.digest for row in earlier) for item in one.items}
            count = len({row.candidate for row in earlier})
            said.append(
                Notice(
                    "ledger_overlap",
                    trn(
                        "{task}: {shared} of its {n} tasks are also in other sets of tasks, on which {count} candidate "
                        "was tried before. Sets that share only some tasks have ledgers of their own: it is not "
                        "corrected for.",
                        "{task}: {shared} of its {n} tasks are also in other sets of tasks, on which {count} "
                        "candidates were tried before. Sets that share only some tasks have ledgers of their own: they "
                        "are not corrected for.",
                        count,
                        task=board.task,
                        shared=len(seen & {*board.taskset.items}),
                        n=len(board.taskset.items),
                        count=count,
                    ),
                )
            )
    return said


def candidate_of(request: Request, models: Mapping[str, str], templates: Mapping[str, str | None]) -> str:
    """Return what makes a candidate this candidate: its model, and the prompt and sampling that answers depend on.

    ``models``: fingerprints by label, ``templates``: hashes by name. A label is no part of it, unless nothing else is
    known.
    """
    row = RowKey(model=request.model, prompt=request.prompt)
    return candidate_key(row, request.sampling, models, templates)


def candidate_key(
    row: RowKey, sampling: Sampling, models: Mapping[str, str], templates: Mapping[str, str | None]
) -> str:
    """Return what makes a row of a board the candidate that it is; see `candidate_of`."""
    model = models.get(row.model) or ["label", row.model]
    if row.prompt is None:
        return digest(["candidate", model])
    template = templates.get(row.prompt) or ["name", row.prompt]
    return digest(["candidate", model, template, sampling])


def _readable(store: Store) -> Ledger:
    try:
        return read_ledger(store)
    except StoreError:
        return Ledger()


def _given(run: Run) -> Mapping[str, Mapping[RowKey, Mapping[str, Sequence[str | None]]]]:
    """Return the answers of each row of each task set, by sample, one for each repeat."""
    found: dict[str, dict[RowKey, dict[str, list[str | None]]]] = {}
    for request in run.requests:
        answer = run.answers.get(request.key)
        row = found.setdefault(request.task, {}).setdefault(RowKey(model=request.model, prompt=request.prompt), {})
        row.setdefault(request.sample_id, []).append(None if answer is None else answer.text)
    return found


def _candidates(run: Run) -> Mapping[str, Mapping[RowKey, str]]:
    """Return what makes each row of each task set the candidate that it is."""
    known = run.manifest.provenance
    templates = {name: template.get("sha256") for name, template in known.get("templates", {}).items()}
    first = {(one.task, RowKey(model=one.model, prompt=one.prompt)): one for one in run.requests}
    found: dict[str, dict[RowKey, str]] = {}
    for (task, row), request in first.items():
        found.setdefault(task, {})[row] = candidate_of(request, known.get("models", {}), templates)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A board's scores with what the ledger calls its tasks and rows."""

    scores: ScoreTable
    taskset: TaskSet
    run: Run
    candidates: Mapping[RowKey, str]
    given: Mapping[RowKey, Mapping[str, Sequence[str | None]]]

    @property
    def baseline(self) -> RowKey:
        """The row that others are compared with: as in `harness.analysis.leaderboard`."""
        rows = self.scores.rows
        return next((row for row in rows if row.model == self.run.manifest.baseline), rows[0])

    @property
    def is_alone(self) -> bool:
        """Whether all rows are the same candidate, so that nothing is compared."""
        return len({self.candidates[row] for row in self.scores.rows}) == 1

    @property
    def judge(self) -> str:
        """What makes the judge this judge; a file of ratings that grew is the same one."""
        judge, split = self.scores.judge, self.scores.split
        scale = judge.scale if split is None else split.scale  # equated or not, it is the same judge
        return digest(["judge", judge.name if judge.rates_models else judge.fingerprint, scale])

    @property
    def places(self) -> list[int]:
        """For each task in the order of its set in the ledger, its place among the samples."""
        keys = {key: place for place, key in enumerate(item_keys(self.scores.samples))}
        return [keys[item] for item in self.taskset.items]


def _entry(table: _Table, date: str) -> _Entry:
    """Return a board with its rows, the baseline first.

    A row that is the same candidate as the baseline is none, nor is one without any score: nobody has seen anything.
    """
    against, is_alone, judge = table.baseline, table.is_alone, table.judge
    base = table.candidates[against]
    places, values = table.places, table.scores.scores
    rows = {
        key: LedgerRow(
            taskset=table.taskset.digest,
            judge=judge,
            judge_name=table.scores.judge.name,
            candidate=table.candidates[key],
            answers=_answers(table, key, places),
            task=table.scores.task,
            label=key.model,
            prompt=key.prompt,
            run=table.run.name,
            date=date,
            role="alone" if is_alone else "baseline" if key == against else "candidate",
            baseline=None if is_alone or key == against else base,
            scores=tuple(number(values[row, at]) for at in places),
        )
        for row, key in enumerate(table.scores.rows)
        if key == against or (table.candidates[key] != base and not np.isnan(values[row]).all())
    }
    what = [(key.model, key.prompt, row.candidate, row.role, row.baseline, row.scores) for key, row in rows.items()]
    board = OwnBoard(
        task=table.scores.task,
        judge=table.scores.judge.name,
        judge_key=judge,
        taskset=table.taskset,
        candidates={key: (row.candidate, row.answers) for key, row in rows.items() if is_try(row)},
        baseline=None if is_alone else base,
        content=digest([judge, table.taskset.digest, table.run.manifest.confidence, what]),
    )
    return _Entry(board=board, rows=tuple(sorted(rows.values(), key=is_try)))


def _answers(table: _Table, row: RowKey, places: Sequence[int]) -> str:
    """Return a digest of what a row answered: equal for rows that answered all tasks alike.

    A row that lacks an answer is like no other; one whose scores were given to its label has that label.
    """
    owner = row.model if table.scores.judge.rates_models else ""
    given, samples = table.given[row], table.scores.samples
    texts = [given.get(samples[place].id, ()) for place in places]
    is_whole = all(each and None not in each for each in texts)
    return digest(["answers", owner if is_whole else table.candidates[row], texts])
