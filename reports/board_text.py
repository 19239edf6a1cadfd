"""What is said about one board: what it can tell apart, how it was made, with what caution. Plain text. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.analysis.board import Board, BoardRow
from harness.analysis.leaderboard import Leaderboard
from harness.types import Declaration
from harness.unscored import Unscored
from reports.formatting import kind_key, number, off_by_rounding, percent, row_name, score_digits
from reports.gaps import gap_cautions
from reports.ledger import ledger_cautions
from reports.versions import version_cautions
from reports.wording import Words

_NAMED = 3  # candidates named in one caution
_LIKERT_WIDTH = 4  # tasks needed for 0.1 to 0.3 points mean something on the 1-5 scale


def scale_note(board: Board, say: Words) -> str:
    """Return the scale of a board, and what a judge of its kind measures, so that nobody reads a check as quality."""
    measured = say.section("kind")[kind_key(board.judge.kind, board.judge.scored_by)]
    return say("board.scale", scale=board.judge.scale) + say("space") + measured


def primary_note(leaderboard: Leaderboard, say: Words) -> str:
    """Return which boards verdicts come from, and who said so; "" where there is but one board."""
    primary = leaderboard.primary
    if primary is None or len(leaderboard.boards) < 2:  # noqa: PLR2004 - one board alone needs no choice
        return ""
    how = "late" if primary.late else "declared" if primary.declared else "default"
    several = len({board.task for board in leaderboard.boards}) > 1
    key = "headline.primary_task" if several and primary.task is not None else "headline.primary"
    return say(key, judge=primary.judge, task=primary.task, how=say(f"headline.how_{how}"))


def estimand_note(leaderboard: Leaderboard, say: Words) -> str:
    """Return what intervals and p-values are about, and when that was declared if it is not the default."""
    return estimand_sentence(leaderboard.declared, say)


def estimand_sentence(declared: Declaration, say: Words) -> str:
    """Return the same of a page that has no leaderboard."""
    is_late = "estimand" in declared.late
    if declared.estimand == "these":
        return say(
            "headline.estimand_these", how=say("headline.estimand_late" if is_late else "headline.estimand_declared")
        )
    said = say("headline.estimand")
    return said + say("space") + say("headline.estimand_new_late") if is_late else said


def resolution(board: Board, say: Words) -> str:
    """Return one plain sentence on what the board can and cannot tell apart, with what it would take."""
    plan = board.plan
    if plan.minimum_detectable is None:
        lonely = "board.alone" if len(board.rows) == 1 else "board.nothing_compared"
        return say("board.too_little" if board.comparisons else lonely)
    scale = board.judge.scale
    sentence = say(
        "board.resolution_tries" if any(one.is_over_tries for one in board.comparisons) else "board.resolution",
        count=plan.n,
        gap=number(plan.minimum_detectable, score_digits(scale.low, scale.high)),
        unit=say("board.points" if scale.high - scale.low > 1 else "board.share"),
        power=percent(plan.power),
    )
    if scale.high - scale.low == _LIKERT_WIDTH:
        needs = [
            say("board.need", points=f"{gain.points:g}", tasks=f"{gain.tasks:,}")
            for gain in plan.gains
            if gain.tasks is not None
        ]
        sentence += say("space") + say("board.needed", needs=", ".join(needs))
    return sentence


def noise(board: Board, say: Words) -> str:
    """Return where the noise of a repeated board comes from and what to buy next; nothing without repeats."""
    advice = board.repeats
    if advice is None or not advice.components.se:  # rows that never differ have no noise to explain
        return ""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high) + 1
    names = [row_name(row) for row in (advice.candidate, advice.baseline) if row is not None]
    components = advice.components
    parts = [
        say(
            "board.noise",
            what=" − ".join(names),
            task=number(components.task, digits),
            generation=number(components.generation, digits),
            judge=number(components.judge, digits),
            se=number(components.se, digits),
        )
    ]
    if advice.purchases:
        best = advice.purchases[0]
        parts.append(
            say(
                "board.buy",
                what=say(f"board.buy_{best.what}"),
                tasks=best.tasks,
                generations=best.generations,
                judgements=best.judgements,
                se=number(best.se, digits),
            )
        )
    return say("space").join(parts)


def method_note(board: Board, say: Words) -> str:
    """Return how the figures of one board were made, as plain text."""
    note = say("board.intervals", methods=_methods((row.estimate.method for row in board.rows), say))
    if board.comparisons:
        note += say("space") + say(
            "board.differences",
            baseline=row_name(board.comparisons[0].baseline),
            methods=_methods((comparison.result.difference.method for comparison in board.comparisons), say),
            p_methods=_methods((comparison.result.p_method for comparison in board.comparisons), say),
            family=say.sentence(board.family_method),
        )
    if is_off_by_rounding(board):
        note += say("space") + say("board.rounded")
    return note


def is_off_by_rounding(board: Board) -> bool:
    """Return whether some difference is not that of the means beside it, only as each figure is rounded for itself."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    means = {row.key: row.estimate.value for row in board.rows}
    return any(
        off_by_rounding(means.get(one.baseline), means.get(one.candidate), one.shown.difference.value, digits)
        for one in board.comparisons
    )


def cautions_about(board: Board, say: Words) -> list[tuple[str, str]]:
    """Return the cautions about one board: whom it is about ("" for all), and the sentence. Plain text."""
    said = [("", caution) for caution in (*version_cautions(board, say), *gap_cautions(board, say))]
    said += [("", caution) for caution in ledger_cautions(board, say)]
    said += [("", say.sentence(caution)) for caution in board.cautions]
    about: dict[str, list[str]] = {}
    for comparison in board.comparisons:
        # What a row lacks is said once, with its mean.
        for caution in (
            caution for caution in comparison.result.cautions if caution != comparison.result.missing.caution
        ):
            about.setdefault(caution, []).append(row_name(comparison.candidate))
    return said + [(say.several(names, _NAMED), say.sentence(caution)) for caution, names in about.items()]


def missing_reasons(rows: Sequence[BoardRow], say: Words) -> list[tuple[str, int]]:
    """Return why verdicts are missing with their numbers, the commonest first."""
    reasons: Counter[Unscored] = Counter()
    for row in rows:
        reasons.update(row.reasons)
    return [(say.sentence(reason), count) for reason, count in reasons.most_common()]


def _methods(methods: Iterable[str], say: Words) -> str:
    return ", ".join(sorted({say.sentence(method) for method in methods}))
