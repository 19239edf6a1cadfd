"""What comparisons show, in words: on top of reports, in their tables, beside one comparison. Plain text. Pure."""

from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard
from harness.stats.equivalence import DecisionCode
from reports.formatting import MISSING, number, p_value, percent, row_name, score_digits, signed
from reports.ledger import tries_lines
from reports.wording import Words

_ORDER: tuple[DecisionCode, ...] = ("better", "equal", "no_worse", "undecided", "worse")
_NAMED = 8  # rows named under one word; more are counted


def verdict_lines(leaderboard: Leaderboard, say: Words) -> list[str]:
    """Return what the primary boards show and what would decide the rest, one sentence or list a line."""
    boards = [board for board in leaderboard.boards if board.is_primary and board.comparisons]
    lines: list[str] = []
    for board in boards:
        found = board_verdict(board, leaderboard.confidence, say)
        if len(boards) > 1:
            found = [say("verdict.of_task", task=board.task, said=found[0]), *found[1:]]
        lines += [*found, *tries_lines(board, say)]
    return lines + margin_lines(leaderboard, say)


def board_verdict(board: Board, confidence: float, say: Words) -> list[str]:
    """Return what the comparisons of one board show: of one a sentence, of several a list for each word."""
    if len(board.comparisons) == 1:
        return [comparison_sentence(board, board.comparisons[0], say)]
    counts = [one.verdict.code for one in board.comparisons]
    baselines = {one.baseline for one in board.comparisons}
    baseline = row_name(next(iter(baselines))) if len(baselines) == 1 else None
    said = say(
        "verdict.counts" if baseline else "verdict.counts_pairs",
        baseline=baseline,
        count=len(counts),
        better=counts.count("better"),
        worse=counts.count("worse"),
        alpha=f"{1 - confidence:.2g}",
    )
    if missing := _unsure(board):
        said += say("space") + say("gap.better", count=missing)
    lines = [said]
    for code in _ORDER:
        found = [one for one in board.comparisons if one.verdict.code == code]
        if found:
            rows = say.several([_listed(board, one, say, pair=baseline is None) for one in found], _NAMED)
            lines.append(say(f"verdict.list_{code}", rows=rows, margin=_margin(board)))
    if decide := _decide_all(board, say):
        lines.append(decide)
    return lines


def comparison_sentence(board: Board, one: Comparison, say: Words) -> str:
    """Return what one comparison shows, how sure its sign is, and what would decide it if it is undecided."""
    parts = [comparison_says(board, one, say)]
    if not _is_known(board, one):
        return parts[0]
    if one.verdict.same_sign is not None:
        parts.append(say("verdict.same_sign", chance=chance(one)))
    if one.verdict.code == "undecided" and (decide := _decide(board, one.verdict.tasks_needed, say)):
        parts.append(decide)
    return say("space").join(parts)


def comparison_says(board: Board, one: Comparison, say: Words) -> str:
    """Return what one comparison shows, and whether missing scores could undo it."""
    names = {"candidate": row_name(one.candidate), "baseline": row_name(one.baseline)}
    result, digits = one.shown, _digits(board)
    if board.is_about_these and result.difference.value is not None and one.verdict.low is None:
        return say("verdict.undecided_these", **names, difference=signed(result.difference.value, digits))
    if result.difference.value is None or result.p_adjusted is None:
        return say("verdict.unknown", **names)
    bounds = _bounds(one, digits)
    is_open = bounds == MISSING and one.verdict.code == "undecided"
    parts = [
        say(
            f"verdict.{'undecided_open' if is_open else one.verdict.code}",
            **names,
            margin=_margin(board),
            difference=signed(result.difference.value, digits),
            bounds=bounds,
            p=p_value(result.p_adjusted),
        )
    ]
    if result.missing.caution is not None and one.verdict.code in ("better", "worse"):
        parts += [] if result.missing.has_sure_sign else [say("gap.only")]
    return say("space").join(parts)


def deciding(board: Board, say: Words) -> str:
    """Return how many tasks would decide the board's undecided comparisons; nothing where none is, or none would."""
    return _decide_all(board, say)


def _is_known(board: Board, one: Comparison) -> bool:
    """Return whether anything is said of a comparison but that it is not known."""
    found = one.shown.difference.value is not None and one.shown.p_adjusted is not None
    return found and not (board.is_about_these and one.verdict.low is None)


def verdict_word(board: Board, one: Comparison, say: Words) -> str:
    """Return what one comparison shows, as short as a cell of a table wants it."""
    if one.result.difference.value is None:
        return MISSING
    return say(f"verdict.word_{one.verdict.code}", margin=_margin(board))


def chance(one: Comparison) -> str:
    """Return the chance that as many new tasks give the difference the same sign; never certainty."""
    value = one.verdict.same_sign
    return percent(value) if value is None or value < 0.995 else ">99 %"  # noqa: PLR2004 - what rounds to certainty


def margin_lines(leaderboard: Leaderboard, say: Words) -> list[str]:
    """Return within how many points rows of primary boards count as equal, and when that was declared."""
    boards = [board for board in leaderboard.boards if board.is_primary and board.comparisons]
    if not boards:
        return []
    declared = leaderboard.declared
    how = "default" if declared.margin is None else "late" if "margin" in declared.late else "declared"
    margins = dict.fromkeys(f"±{_margin(board)}" for board in boards)
    before = declared.late.get("margin")
    return [
        say(
            f"verdict.margin_{how}",
            margin=", ".join(margins),
            before=say("verdict.before_default") if before is None else f"±{before:g}",
        )
    ]


def _decide(board: Board, tasks: int | None, say: Words) -> str:
    """Return what would decide an undecided comparison; on a set that has no more tasks, not more of the same."""
    count = board.n_samples
    if tasks is None:
        return ""
    if tasks <= count:  # the family, or a board with gaps, needs more than one comparison alone
        return say("verdict.decide_near", count=count)
    if board.is_fixed:
        return say("verdict.decide_fixed", count=count, times=f"{tasks / count:.1f}")
    return say("verdict.decide", tasks=f"{tasks:,}", count=count)


def _decide_all(board: Board, say: Words) -> str:
    needs = [
        one.verdict.tasks_needed
        for one in board.comparisons
        if one.verdict.code == "undecided" and one.verdict.tasks_needed is not None
    ]
    if not needs:
        return ""
    if len(needs) == 1 or min(needs) == max(needs):
        return _decide(board, needs[0], say)
    least, most, count = min(needs), max(needs), board.n_samples
    if board.is_fixed:
        return say("verdict.decide_fixed_range", count=count, least=f"{least / count:.1f}", most=f"{most / count:.1f}")
    return say("verdict.decide_range", count=count, least=f"{least:,}", most=f"{most:,}")


def _listed(board: Board, one: Comparison, say: Words, *, pair: bool) -> str:
    name = f"{row_name(one.candidate)} − {row_name(one.baseline)}" if pair else row_name(one.candidate)
    difference = signed(one.result.difference.value, _digits(board))
    if one.verdict.same_sign is None:
        return say("verdict.row", name=name, difference=difference)
    return say("verdict.row_chance", name=name, difference=difference, chance=chance(one))


def _unsure(board: Board) -> int:
    """Return how many rows are called better or worse although their missing scores could undo it."""
    return sum(
        one.verdict.code in ("better", "worse")
        and one.result.missing.caution is not None
        and not one.result.missing.has_sure_sign
        for one in board.comparisons
    )


def _bounds(one: Comparison, digits: int) -> str:
    if one.verdict.low is None or one.verdict.high is None:
        return MISSING
    return f"{signed(one.verdict.low, digits)} … {signed(one.verdict.high, digits)}"


def _margin(board: Board) -> str:
    return number(board.margin, _digits(board)).rstrip("0").rstrip(".")


def _digits(board: Board) -> int:
    return score_digits(board.judge.scale.low, board.judge.scale.high)
