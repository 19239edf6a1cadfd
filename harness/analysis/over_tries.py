"""A leaderboard with the figures that its run keeps from the ledger: verdicts by p-values over every try. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from harness.analysis.agreement import agreeing
from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.tried import BoardLedger, TriedRow
from harness.analysis.verdict import comparison_verdict
from harness.locale import trn
from harness.stats import BoardPlan, Design
from harness.stats.arrays import t_critical
from harness.stats.power import detectable_gap, plan_board
from harness.stats.spending import part_of_try
from harness.stats.tries import comparisons_worth
from harness.types import Estimate


def over_tries(leaderboard: Leaderboard, ledger: Sequence[BoardLedger]) -> Leaderboard:
    """Return a leaderboard whose boards know what was tried before them.

    Where earlier tries exist, a comparison's verdict comes from the p-value that is corrected over all of them, and
    `Comparison.over_tries` has the figures to show.
    """
    known = {(one.task, one.judge): one for one in ledger}
    boards = (
        _board(board, known[board.task, board.judge.name], leaderboard.confidence)
        if (board.task, board.judge.name) in known
        else board
        for board in leaderboard.boards
    )
    return replace(leaderboard, boards=tuple(boards))


def _board(board: Board, entry: BoardLedger, confidence: float) -> Board:
    comparisons = tuple(
        _about_these(comparison, entry, confidence)
        if board.is_about_these
        else _comparison(board, comparison, entry, confidence)
        for comparison in board.comparisons
    )
    is_corrected = any(comparison.is_over_tries for comparison in comparisons)
    if board.is_about_these:
        method = trn(
            "Bonferroni at the share of the error of {n} try",
            "Bonferroni at the share of the error of the last of {n} tries",
            entry.tries,
        )
    else:
        method = trn(
            "sign-flip p at what {n} try leaves of the error",
            "sign-flip p at what {n} tries leave of the error",
            entry.tries,
        )
    return replace(
        board,
        # how lucky the best of many is, and what a gain is worth, are about new tasks
        ledger=replace(entry, luck=None, rows=_places(entry)) if board.is_about_these else entry,
        comparisons=comparisons,
        family_method=method if is_corrected else board.family_method,
        plan=_plan(board, comparisons) if is_corrected and not board.is_about_these else board.plan,
    )


def _plan(board: Board, comparisons: Sequence[Comparison]) -> BoardPlan:
    """Return what the board resolves by the rule that its verdicts go by, which is that over every try."""
    gaps = [one.shown.minimum_detectable for one in comparisons if one.shown.minimum_detectable is not None]
    plan, units = board.plan, median([one.result.spread.df + 1 for one in comparisons if one.result.spread.df] or [0])
    if not gaps or not units:
        return replace(board.plan, minimum_detectable=None, gains=())
    worth = round(median([_worth(one, plan.confidence) for one in comparisons]))
    gains = [gain.points for gain in plan.gains]
    return replace(
        plan_board(plan.sd, plan.n, gains=gains, power=plan.power, confidence=plan.confidence,
                   n_comparisons=max(1, worth), share=plan.n / units),
        minimum_detectable=median(gaps),
    )  # fmt: skip


def _worth(comparison: Comparison, confidence: float) -> int:
    """Return how many independent comparisons the correction over every try is worth."""
    row, spread = comparison.tried, comparison.result.spread
    if row is None or row.low is None or row.high is None or not spread.se or not spread.df:
        return 1
    return comparisons_worth((row.high - row.low) / 2 / spread.se, spread.df, confidence)


def _comparison(board: Board, comparison: Comparison, entry: BoardLedger, confidence: float) -> Comparison:
    result, row = comparison.result, entry.row(comparison.candidate)
    p_ledger = entry.p_value(
        comparison.candidate,
        p_value=result.p_value,
        p_adjusted=result.p_adjusted,
        at_least_own=_holds_more(board, comparison),
    )
    found = replace(comparison, tried=row, p_ledger=p_ledger)
    if row is None or row.p_value is None or p_ledger is None:
        return found
    joint = _interval(result.simultaneous, found, entry.tries, at_least_own=_holds_more(board, comparison))
    design, own = Design(confidence=confidence), len(board.comparisons) if _holds_more(board, comparison) else 1
    worth = max(own, _worth(found, confidence))
    spread, gap = result.spread, None
    if spread.se and spread.df and joint.low is not None:
        gap = detectable_gap(spread.se, spread.df, round(spread.df + 1), design, n_comparisons=worth)
    made = replace(result, p_adjusted=p_ledger, simultaneous=joint, minimum_detectable=gap)
    shown = agreeing(made, confidence)
    verdict = comparison_verdict(shown, design, margin=comparison.verdict.margin, n_comparisons=worth, joint=joint)
    if comparison.panel is not None:  # more tasks alone need not decide it
        verdict = replace(verdict, tasks_needed=None)
    return replace(found, verdict=verdict, corrected=shown)


def _about_these(comparison: Comparison, entry: BoardLedger, confidence: float) -> Comparison:
    """Return a comparison about exactly these tasks, corrected over every try.

    What varies is another answer or verdict, of which signs know nothing: each may spend what the last of as many tries
    may that have nothing in common.
    """
    result, row = comparison.result, entry.row(comparison.candidate)
    if row is None:
        return comparison
    found = replace(comparison, tried=_place(row))
    if entry.earlier == 0 or result.p_value is None or result.difference.value is None:
        return replace(found, p_ledger=result.p_adjusted)
    times = 1 / part_of_try(entry.tries)
    p_ledger = max(min(1.0, times * result.p_value), result.p_adjusted or 0.0)
    spread, joint = result.spread, result.simultaneous
    if spread.se and spread.df and joint.low is not None and joint.high is not None:
        reach = float(t_critical(spread.df, (1 - confidence) / times)) * spread.se
        method = trn("Bonferroni over {n} try", "Bonferroni over {n} tries", entry.tries)
        low, high = result.difference.value - reach, result.difference.value + reach
        joint = replace(joint, low=min(joint.low, low), high=max(joint.high, high), method=method)
    shown = agreeing(replace(result, p_adjusted=p_ledger, simultaneous=joint), confidence)
    margin, design = comparison.verdict.margin, Design(confidence=confidence)
    verdict = comparison_verdict(shown, design, margin=margin, n_comparisons=round(times), joint=joint)
    verdict = replace(verdict, same_sign=None, tasks_needed=None)
    tried = replace(_place(row), p_value=p_ledger, low=joint.low, high=joint.high)
    return replace(found, tried=tried, p_ledger=p_ledger, verdict=verdict, corrected=shown)


def _places(entry: BoardLedger) -> tuple[TriedRow, ...]:
    return tuple(_place(row) for row in entry.rows)


def _place(row: TriedRow) -> TriedRow:
    """Return a row's place alone, without figures about new tasks."""
    return replace(row, p_value=None, low=None, high=None, shrunken=None)


def _holds_more(board: Board, comparison: Comparison) -> bool:
    """Return whether a board's own correction holds what signs do not show: judges that disagree, looks, equating."""
    is_equated = board.split is not None and board.split.swap is not None
    return comparison.panel is not None or board.looks is not None or is_equated


def _interval(joint: Estimate, comparison: Comparison, tries: int, *, at_least_own: bool) -> Estimate:
    """Return the interval that holds for all tries at once; none where there are too few tasks for one."""
    row, result = comparison.tried, comparison.result
    if row is None or row.low is None or row.high is None:
        is_own = row is None or not row.p_value or not result.wins + result.losses
        return joint if is_own else replace(joint, low=None, high=None)
    low, high = row.low, row.high
    if at_least_own and joint.low is not None and joint.high is not None:
        low, high = min(low, joint.low), max(high, joint.high)
    return replace(
        joint, low=low, high=high, method=trn("t, at what {n} try leaves", "t, at what {n} tries leave", tries)
    )
