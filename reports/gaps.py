"""Missing scores in words and cells: which rows are marked, what they could be at worst and at best. Pure."""

from harness.analysis.board import Board, BoardRow
from harness.analysis.row_gaps import TagRow
from harness.stats import PairedComparison, WorstCase
from harness.types import Estimate
from reports.formatting import MISSING, interval, number, row_name, score_digits, signed
from reports.wording import Said, Words

MARK = "†"
"""What stands beside the figures of a row that lacks scores."""

_EACH = 5  # rows that get a caution of their own; more share one
_LISTED = 20  # comparisons that do


def marked(text: str, row: BoardRow) -> str:
    """Return a cell of a row, with the mark if it lacks scores and that matters."""
    return f"{text} {MARK}" if row.has_gaps and text != MISSING else text


def marked_difference(result: PairedComparison, digits: int) -> str:
    """Return a difference, with the mark and the number of its tasks if it rests on a part of them."""
    shown = signed(result.difference.value, digits)
    return shown if result.missing.caution is None else f"{shown} {MARK} (n = {result.n_pairs})"


def tag_mean(row: BoardRow, tag: TagRow, digits: int) -> str:
    """Return a row's mean by tag, marked where scores are missing there."""
    shown = number(tag.estimate.value, digits)
    return marked(shown, row) if tag.estimate.n_unscored else shown


def comparable(row: BoardRow, digits: int, say: Words) -> str:
    """Return the mean that a row's place goes by, or that it has no place among the others."""
    if row.comparable is None and row.estimate.n:
        return say("gap.not_comparable")
    return number(row.comparable, digits)


def row_bounds(row: BoardRow, digits: int) -> str:
    """Return what the mean of a row that lacks scores could be, a dash for one that lacks none."""
    return mean_bounds(row.worst_case, digits) if row.has_gaps else MISSING


def mean_bounds(case: WorstCase, digits: int) -> str:
    """Return worst and best case of a mean, and in brackets the interval around both.

    >>> mean_bounds(WorstCase(worst=2.5, best=3.5, low=2.25, high=3.75, confidence=0.95, method=""), 2)
    '2.50 – 3.50 (2.25 – 3.75)'
    """
    return _with_error(_estimate(case.worst, case.best), _estimate(case.low, case.high), digits, with_sign=False)


def difference_bounds(result: PairedComparison, digits: int) -> str:
    """Return worst and best case of a difference, and in brackets the interval around both; a dash if it is whole."""
    if result.missing.caution is None:
        return MISSING
    return _with_error(
        _estimate(result.missing.worst, result.missing.best),
        _estimate(result.missing.low, result.missing.high),
        digits,
        with_sign=True,
    )


def legend(board: Board, say: Words) -> str:
    """Return what the mark and the columns beside it mean; nothing where no row lacks scores."""
    return say("gap.legend", mark=MARK) if board.has_gaps else ""


def gap_cautions(board: Board, say: Words) -> list[str]:
    """Return which rows lack scores, on how many tasks, and what that could mean, as plain sentences."""
    lacking = [row for row in board.rows if row.has_gaps]
    if len(lacking) <= _EACH:
        return [_about(row, board, say) for row in lacking]
    rows = [f"{row_name(row.key)} {_count(row)}/{board.n_samples}" for row in lacking]
    return [say("gap.many", count=len(lacking), total=len(board.rows), rows=", ".join(rows))]


def comparison_cautions(board: Board, say: Words) -> list[tuple[str, str]]:
    """Return each comparison that rests on a part of the tasks with its caution; one for all where they are many."""
    found = [comparison for comparison in board.comparisons if comparison.result.missing.caution is not None]
    if len(found) > _LISTED:
        return [("", say("gap.comparisons", count=len(found), total=len(board.comparisons)))]
    return [
        (f"{row_name(one.candidate)} − {row_name(one.baseline)}", say.sentence(one.result.missing.caution or ""))
        for one in found
    ]


def _about(row: BoardRow, board: Board, say: Words) -> str:
    digits, total = score_digits(board.judge.scale.low, board.judge.scale.high), board.n_samples
    name = row_name(row.key)
    known = {"row": name, "missing": row.estimate.n_unscored, "total": total}
    parts = [say("gap.row", **known)]
    if row.n_partly:
        parts.append(say("gap.row_partly", count=row.n_partly))
    if row.estimate.n and row.comparable is None:
        parts.append(say("gap.row_apart"))
    case = row.worst_case
    parts.append(say("gap.row_mean", mean=number(row.estimate.value, digits), bounds=mean_bounds(case, digits)))
    result = board.against_baseline(row.key)
    if result is not None:
        parts.append(
            say(
                "gap.row_difference",
                difference=signed(result.difference.value, digits),
                count=result.n_pairs,
                bounds=difference_bounds(result, digits),
            )
        )
    elif any(comparison.baseline == row.key for comparison in board.comparisons):
        parts.append(say("gap.row_baseline"))
    return Said(say("space").join(parts), "gap.row", known)


def _count(row: BoardRow) -> int:
    """Return how many tasks a row lacks scores on, wholly or in part."""
    return row.estimate.n_unscored + row.n_partly


def _estimate(low: float | None, high: float | None) -> Estimate:
    return Estimate(value=None, low=low, high=high, confidence=0.95, n=0, n_unscored=0, method="")


def _with_error(bounds: Estimate, around: Estimate, digits: int, *, with_sign: bool) -> str:
    inner, outer = (interval(one, digits, with_sign=with_sign) for one in (bounds, around))
    return inner if outer == MISSING else f"{inner} ({outer})"
