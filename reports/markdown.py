"""leaderboard.md: the boards of a run as Markdown that renders on GitHub."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from harness.leaderboard import Board, BoardRow, Leaderboard
from harness.stats import PairedComparison
from reports.view import (
    interval,
    markdown_cell,
    number,
    p_value,
    percent,
    printable,
    ranks,
    row_name,
    score_digits,
    signed,
)

_LIKERT_WIDTH = 4  # tasks needed for 0.1 to 0.3 points mean something on the 1-5 scale
_NAMED = 3  # candidates named in one caution

# What a kind of judge measures, said under its table so that nobody reads a check as a quality score.
KIND_NOTES: Mapping[str, str] = {
    "checks": "Share of machine checks passed. A gate and a diagnosis, not a quality score.",
    "similarity": "Character overlap with one reference answer (chrF). Similarity, not a quality score.",
    "human": "Ratings by people.",
    "quality": "Scores by a language-model judge.",
}


def leaderboard_markdown(leaderboard: Leaderboard, provenance: Mapping[str, Any], notices: Sequence[str] = ()) -> str:
    """Return the whole document."""
    parts = [f"# Leaderboard: {markdown_cell(leaderboard.run)}", _headline(leaderboard, provenance)]
    parts += [_board_section(board, leaderboard.confidence) for board in leaderboard.boards]
    if notices:
        parts.append("## Notes\n\n" + "\n".join(f"- {markdown_cell(notice)}" for notice in notices))
    parts.append(_provenance_section(provenance))
    return "\n\n".join(parts) + "\n"


def comparison_report(leaderboard: Leaderboard) -> str:
    """Return every comparison of every board, with what each board can tell apart."""
    parts = [f"# Comparisons: {markdown_cell(leaderboard.run)}"]
    for board in leaderboard.boards:
        parts.append(f"## {markdown_cell(board.task)} by {markdown_cell(board.judge.name)}")
        if not board.comparisons:
            parts.append("One row alone: there is nothing to compare it with.")
            continue
        parts += [comparison_table(board), resolution(board), f"Corrected by {board.family_method}."]
        parts += _comparison_cautions(board)
    return "\n\n".join(parts) + "\n"


def board_table(board: Board, confidence: float) -> str:
    """Return the table of one board: ranks and means, and next to them each candidate against the baseline."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    rate = "pass rate" if board.judge.scale.is_pass_fail else "mean"
    headers = ["rank", "model", "prompt", rate, f"{confidence:.0%} interval", "n", "unscored", "cut at length"]
    compared = bool(board.comparisons)
    if compared:
        headers += ["difference", "its interval", "p (Holm)", "W/T/L"]
    rows = []
    for row in board.rows:
        cells = [
            ranks(row.rank),
            markdown_cell(row.key.model),
            markdown_cell(row.key.prompt or "–"),
            number(row.estimate.value, digits),
            interval(row.estimate, digits),
            f"{row.estimate.n} of {board.n_samples}",
            str(row.estimate.n_unscored),
            percent(row.length_stop_rate),
        ]
        if compared:
            cells += _against(board.against_baseline(row.key), digits)
        rows.append(cells)
    align = ("right", "left", "left", "right", "center", "right", "right", "right", "right", "center", "right", "right")
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align[: len(headers)], disable_numparse=True)


def comparison_table(board: Board) -> str:
    """Return every comparison of one board, one line each."""
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    rows = [
        [
            markdown_cell(row_name(comparison.candidate)),
            markdown_cell(row_name(comparison.baseline)),
            signed(comparison.result.difference.value, digits),
            interval(comparison.result.difference, digits, with_sign=True),
            interval(comparison.result.simultaneous, digits, with_sign=True),
            p_value(comparison.result.p_value),
            p_value(comparison.result.p_adjusted),
            _wins(comparison.result),
            str(comparison.result.n_pairs),
            number(comparison.result.minimum_detectable, digits),
        ]
        for comparison in board.comparisons
    ]
    headers = ["candidate", "baseline", "difference", "its interval", "simultaneous interval", "p", "p (Holm)",
               "W/T/L", "pairs", "detectable"]  # fmt: skip
    align = ("left", "left", "right", "center", "center", "right", "right", "right", "right", "right")
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align, disable_numparse=True)


def resolution(board: Board) -> str:
    """Return one plain sentence on what the board can and cannot tell apart, with what it would take."""
    plan = board.plan
    if plan.minimum_detectable is None:
        return "Nothing was compared, so nothing can be said about what this board could tell apart."
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    unit = "points" if board.judge.scale.high - board.judge.scale.low > 1 else "(as a share)"
    sentence = (
        f"With {plan.n} tasks this board cannot resolve gaps under about {number(plan.minimum_detectable, digits)} "
        f"{unit}: a true gap of that size is found {plan.power:.0%} of the time, a smaller one less often."
    )
    if board.judge.scale.high - board.judge.scale.low == _LIKERT_WIDTH:
        needs = [f"{gain.points:g} points {gain.tasks:,}" for gain in plan.gains if gain.tasks is not None]
        sentence += f" Tasks needed: for {', '.join(needs)}."
    return sentence


def _against(result: PairedComparison | None, digits: int) -> list[str]:
    if result is None:
        return ["baseline", "", "", ""]
    return [
        signed(result.difference.value, digits),
        interval(result.difference, digits, with_sign=True),
        p_value(result.p_adjusted),
        _wins(result),
    ]


def _wins(result: PairedComparison) -> str:
    return f"{result.wins}/{result.ties}/{result.losses}"


def _headline(leaderboard: Leaderboard, provenance: Mapping[str, Any]) -> str:
    tasks = list(dict.fromkeys(board.task for board in leaderboard.boards))
    judges = list(dict.fromkeys(board.judge.name for board in leaderboard.boards))
    models = list(dict.fromkeys(row.key.model for board in leaderboard.boards for row in board.rows))
    shown = ", ".join(markdown_cell(model) for model in models) if len(models) <= 5 else f"{len(models)} models"  # noqa: PLR2004 - what fits a line
    return (
        f"{shown} on {', '.join(markdown_cell(task) for task in tasks)}, "
        f"scored by {', '.join(markdown_cell(judge) for judge in judges)}, {provenance.get('date', 'undated')}."
    )


def _board_section(board: Board, confidence: float) -> str:
    scale = board.judge.scale
    parts = [
        f"## {markdown_cell(board.task)} by {markdown_cell(board.judge.name)}",
        f"Scale {scale}. {KIND_NOTES.get(board.judge.kind, KIND_NOTES['quality'])}",
        board_table(board, confidence),
    ]
    parts += [resolution(board), _method_note(board)]
    parts += [f"**Caution:** {markdown_cell(caution)}." for caution in board.cautions]
    parts += _comparison_cautions(board)
    if missing := _missing(board.rows):
        parts.append(missing)
    if board.rows and board.rows[0].tags:
        parts.append(_tag_table(board))
    return "\n\n".join(parts)


def _method_note(board: Board) -> str:
    intervals = ", ".join(sorted({row.estimate.method for row in board.rows}))
    note = f"Intervals of means: {intervals}; the task is the unit, repeats are averaged first."
    if board.comparisons:
        differences = ", ".join(sorted({comparison.result.difference.method for comparison in board.comparisons}))
        p_methods = ", ".join(sorted({comparison.result.p_method for comparison in board.comparisons}))
        note += (
            f" Differences to {markdown_cell(row_name(board.comparisons[0].baseline))}: {differences}; p: {p_methods}, "
            f"{board.family_method}. Ranks: every rank that the simultaneous intervals of all pairs allow."
        )
    return note


def _comparison_cautions(board: Board) -> list[str]:
    """Return what to beware of in single comparisons, each sentence once with the candidates that it is about."""
    about: dict[str, list[str]] = {}
    for comparison in board.comparisons:
        for caution in comparison.result.cautions:
            about.setdefault(caution, []).append(row_name(comparison.candidate))
    return [f"**Caution** ({_few(names)}): {markdown_cell(caution)}" for caution, names in about.items()]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return markdown_cell(", ".join(names[:_NAMED])) + more


def _missing(rows: Sequence[BoardRow]) -> str:
    reasons: dict[str, int] = {}
    for row in rows:
        for reason, count in row.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    if not reasons:
        return ""
    top = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"- {count} × {markdown_cell(reason)}" for reason, count in top[:10]]
    if len(top) > len(shown):
        shown.append(f"- … and {len(top) - len(shown)} more reasons (see results.json)")
    return f"Unscored verdicts ({sum(reasons.values())}), which no mean contains:\n\n" + "\n".join(shown)


def _tag_table(board: Board) -> str:
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    counts = {tag.tag: tag.estimate.n + tag.estimate.n_unscored for tag in board.rows[0].tags}
    headers = ["model", "prompt", *(f"{markdown_cell(tag)} ({count})" for tag, count in counts.items())]
    rows = [
        [
            markdown_cell(row.key.model),
            markdown_cell(row.key.prompt or "–"),
            *(number(tag.estimate.value, digits) for tag in row.tags),
        ]
        for row in board.rows
    ]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"Means by tag (number of tasks); few tasks, so read them as hints:\n\n{table}"


def _provenance_section(provenance: Mapping[str, Any]) -> str:
    rows = [
        (markdown_cell(str(key)), markdown_cell(_shown(value))) for key, value in provenance.items() if key != "command"
    ]
    table = tabulate(rows, headers=["what", "value"], tablefmt="github", disable_numparse=True)
    command = printable(str(provenance.get("command", "")))
    fence = "`" * 3
    while fence in command:
        fence += "`"
    return f"## Provenance\n\n{table}\n\nRun it again:\n\n{fence}console\n$ {command}\n{fence}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    text = str(value)
    return text[:12] if len(text) == 64 and text.isalnum() else text  # noqa: PLR2004 - a sha256, shortened as git does
