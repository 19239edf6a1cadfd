"""The harness's scores of one adapter, taken from finished runs: what its card shows, with intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.codec import decode
from harness.errors import HarnessError, RunMismatchError
from harness.locale import tr
from harness.protocols import older_source
from harness.types import Estimate

_SHOWN = 5  # models named in an error
_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One row of a board: a model's label and the prompt, None where the answers existed already."""

    model: str
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One row of a results.json: a mean with its interval, None where it cannot be computed."""

    task: str
    judge: str
    model: str
    prompt: str | None
    scale: tuple[float, float]
    mean: float | None
    low: float | None
    high: float | None
    confidence: float
    n: int
    n_unscored: int
    method: str
    kind: str = "quality"
    scored_by: str | None = None
    length_stop_rate: float | None = None

    @property
    def estimate(self) -> Estimate:
        """The mean with its interval."""
        return Estimate(
            value=self.mean,
            low=self.low,
            high=self.high,
            confidence=self.confidence,
            n=self.n,
            n_unscored=self.n_unscored,
            method=self.method,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One comparison of a results.json: ``difference`` is candidate minus baseline, ``p_adjusted`` Holm's."""

    task: str
    judge: str
    baseline: Side
    candidate: Side
    difference: float | None
    low: float | None
    high: float | None
    confidence: float
    p_adjusted: float | None
    n_pairs: int
    n_missing: int
    method: str

    @property
    def estimate(self) -> Estimate:
        """The difference with its interval."""
        return Estimate(
            value=self.difference,
            low=self.low,
            high=self.high,
            confidence=self.confidence,
            n=self.n_pairs,
            n_unscored=self.n_missing,
            method=self.method,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One line of a card's scores: of the adapter, or of the baseline that the run compared it with.

    ``against`` is the comparison with the baseline, None for the baseline itself and where there was none;
    ``cautions`` are those of the run and of the board.
    """

    run: str
    date: str
    score: Score
    is_baseline: bool = False
    against: Difference | None = None
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provenance:
    date: str = ""
    model_details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caution:
    """A caution of schema 1, or a notice of schema 2 if it has ``severity`` caution."""

    caution: str = ""
    text: str = ""
    severity: str = "caution"
    task: str | None = None
    judge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """What of a results.json the card needs."""

    run: str
    rows: tuple[Score, ...]
    comparisons: tuple[Difference, ...]
    provenance: _Provenance
    cautions: tuple[_Caution, ...] = ()
    notices: tuple[_Caution | str, ...] = ()


def adapter_scores(results: Mapping[str, Any], digest: str, *, where: str) -> list[ScoreRow]:
    """Return the rows of a run that belong to an adapter, each board's baseline before them.

    Args:
        results: A results.json of schema 1 or 2.
        digest: The adapter's, over its configuration and weights: a run of an earlier training in the same folder has
            another one, whatever its label says.
        where: The file, for messages.

    Raises:
        HarnessError: the run did not evaluate this adapter.
        InputError: the document is not what this version writes.
    """
    document = decode(_Results, _with_sources(results), where=where)
    details = document.provenance.model_details
    labels = {label for label, known in details.items() if known.get("adapter_digest") == digest}
    own = [score for score in document.rows if score.model in labels]
    if not own:
        raise _not_evaluated(document, digest)
    rows = []
    for task, judge in dict.fromkeys((score.task, score.judge) for score in own):
        board = [score for score in document.rows if (score.task, score.judge) == (task, judge)]
        found = [found for found in document.comparisons if (found.task, found.judge) == (task, judge)]
        cautions = tuple(_cautions(document, task, judge))
        rows += [
            ScoreRow(
                run=document.run,
                date=document.provenance.date,
                score=score,
                against=against,
                is_baseline=is_baseline,
                cautions=cautions,
            )
            for score, against, is_baseline in _board(board, found, labels)
        ]
    return rows


def _with_sources(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document whose rows all say who scored them: older ones did not."""
    rows = results.get("rows")
    if not isinstance(rows, list):
        return results
    told = [
        {"scored_by": older_source(str(row.get("judge"))), **row} if isinstance(row, Mapping) else row for row in rows
    ]
    return {**results, "rows": told}


def _board(
    board: Sequence[Score], differences: Sequence[Difference], labels: set[str]
) -> Iterator[tuple[Score, Difference | None, bool]]:
    """Yield the rows of one board, with their comparison and whether they are its baseline."""
    compared = {found.candidate: found for found in differences}
    sides = {Side(model=score.model, prompt=score.prompt): score for score in board}
    own = [side for side in sides if side.model in labels]
    baselines = dict.fromkeys(compared[side].baseline for side in own if side in compared)
    for side in baselines:
        if side in sides and side not in own:
            yield sides[side], None, True
    for side in own:
        yield sides[side], compared.get(side), side in baselines


def _cautions(document: _Results, task: str, judge: str) -> Iterator[str]:
    for found in (*document.cautions, *document.notices):
        if isinstance(found, str) or found.severity != "caution":  # schema 1 has its notes as text
            continue
        if found.task in {None, task} and found.judge in {None, judge}:
            yield found.caution or found.text


def _not_evaluated(document: _Results, digest: str) -> HarnessError:
    """Return the error that names what a run evaluated instead."""
    names = []
    for model in dict.fromkeys(score.model for score in document.rows):
        other = document.provenance.model_details.get(model, {}).get("adapter_digest")
        names.append(f"{model} (adapter {other[:_HASH]})" if other else model)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return RunMismatchError(
        tr(
            "Run {run!r} did not evaluate this adapter ({digest}); it evaluated {shown}.",
            run=document.run,
            digest=digest[:_HASH],
            shown=shown or "nothing",
        ),
        hint=tr(
            "An adapter that was trained or changed since counts as another one: evaluate it anew with harness eval."
        ),
    )
