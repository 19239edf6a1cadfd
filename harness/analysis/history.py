"""Every task set of a ledger with what was tried on it, corrected over all tries as of today. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.ledger import TriesFamily, seal_state, shrunken_gains, tries_family
from harness.analysis.tried import Part
from harness.ledger import Ledger, Reset, TaskSet
from harness.stats.equivalence import DecisionCode, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One candidate, the ``place``-th that was tried. What cannot be computed is None.

    ``candidate``: what makes it this candidate, whatever it was called · ``mean`` and ``baseline_mean`` over the ``n``
    tasks that both have scores for · ``difference`` with its interval and ``p_value`` corrected over all tries ·
    ``shrunken``: drawn in by how much of the spread between tries is luck · ``verdict``: what it shows as of today.
    """

    place: int
    date: str
    run: str
    label: str
    prompt: str | None
    candidate: str
    baseline: str | None
    n: int
    mean: float | None
    baseline_mean: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    shrunken: float | None
    verdict: DecisionCode


@dataclass(frozen=True, slots=True, kw_only=True)
class TriesHistory:
    """What was tried on one task set under one judge.

    ``names``: what the set was called, the latest first · ``part``, ``sealed``, ``openings``, ``luck``: as in
    `harness.analysis.tried.BoardLedger` · ``sealed_on``: when, with ``tries_before``, what had been tried on the whole
    set by then · ``digits``: decimals worth showing · ``resets``: when somebody had it forgotten.
    """

    names: tuple[str, ...]
    taskset: str
    tasks: int
    judge: str
    confidence: float
    part: Part
    sealed: int
    sealed_on: str | None
    tries_before: int
    openings: int
    luck: float | None
    digits: int
    rows: tuple[HistoryRow, ...]
    resets: tuple[Reset, ...]

    @property
    def name(self) -> str:
        """What the set was called last."""
        return self.names[0]

    @property
    def best(self) -> HistoryRow | None:
        """The candidate with the largest difference."""
        known = [row for row in self.rows if row.difference is not None]
        return max(known, key=lambda row: row.difference or 0.0) if known else None


def histories(ledger: Ledger, *, confidence: float = 0.95) -> tuple[TriesHistory, ...]:
    """Return the history of every task set under every judge; a part of a set is told with the whole of it.

    The two parts of a sealed set are apart: what was tried on the open one and what the sealed one was opened for.
    """
    found = []
    for whole in _wholes(ledger):
        sets = ledger.related(whole.items)
        digests = {one.digest for one in sets}
        for judge in dict.fromkeys(row.judge for row in ledger.rows if row.taskset in digests):
            history = _history(ledger, whole, sets, judge, confidence)
            if history.rows:
                found.append(history)
    return tuple(found)


def _wholes(ledger: Ledger) -> list[TaskSet]:
    """Return the sets that something was tried on and that are part of no other, but for a set that is sealed now."""
    used = {row.taskset for row in ledger.rows}
    sealed = {seal.taskset: {*seal.sealed, *seal.opened} for seal in ledger.seals}
    sets = [one for one in ledger.sets if one.digest in used]
    parts = [one for one in sets if any({_content(item) for item in one.items} < inside for inside in sealed.values())]
    known = parts + [one for one in sets if one not in parts and not (one.digest in sealed and parts)]
    return [one for one in known if not any({*one.items} < {*other.items} for other in known)]


def _content(item: str) -> str:
    return item.partition("#")[0]


def _history(ledger: Ledger, whole: TaskSet, sets: Sequence[TaskSet], judge: str, confidence: float) -> TriesHistory:
    rows = ledger.of(sets, judge)
    baselines = [row.baseline for row in rows if row.baseline is not None]
    usual = max(set(baselines), key=baselines.count) if baselines else ""
    family = tries_family(ledger, sets, judge, baselines={"": usual})
    part, sealed, openings = seal_state(ledger, whole.items, judge)
    contents = {_content(item) for item in whole.items}
    seal = next((one for one in ledger.seals if contents & {*one.sealed, *one.opened}), None)
    digests = {one.digest for one in sets}
    return TriesHistory(
        names=tuple(dict.fromkeys(row.task for row in reversed(rows))),
        taskset=whole.digest,
        tasks=len(whole.items),
        judge=rows[-1].judge_name,
        confidence=confidence,
        part=part,
        sealed=sealed,
        sealed_on=None if seal is None else seal.date,
        tries_before=0 if seal is None else seal.tries_before,
        openings=openings,
        luck=family.luck(),
        digits=3 if max((score or 0.0 for row in rows for score in row.scores), default=0.0) <= 1 else 2,
        rows=_rows(family, confidence),
        resets=tuple(reset for reset in ledger.resets if digests & {*reset.tasksets}),
    )


def _rows(family: TriesFamily, confidence: float) -> tuple[HistoryRow, ...]:
    if not family.tries:
        return ()
    found = family.corrected(confidence)
    shrunken = shrunken_gains(found)
    rows = []
    for place, one in enumerate(family.tries):
        difference, p_value = _number(found.differences[place]), _number(found.p_values[place])
        rows.append(
            HistoryRow(
                place=place + 1,
                date=one.row.date,
                run=one.row.run,
                label=one.row.label,
                prompt=one.row.prompt,
                candidate=one.row.candidate,
                baseline=None if one.baseline is None else one.baseline.label,
                n=one.n,
                mean=None if one.means is None else one.means[0],
                baseline_mean=None if one.means is None else one.means[1],
                difference=difference,
                low=_number(found.low[place]),
                high=_number(found.high[place]),
                p_value=p_value,
                shrunken=shrunken[place],
                verdict=decide(difference, p_value, None, confidence=confidence),
            )
        )
    return tuple(rows)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
