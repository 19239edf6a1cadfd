"""leaderboard.md: the boards of a run as Markdown that renders on GitHub, in English or Japanese."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tabulate import tabulate

from harness.analysis.leaderboard import Board, BoardRow, Leaderboard
from harness.stats import PairedComparison
from reports.audit import grouped_reasons
from reports.formatting import (
    MISSING,
    interval,
    is_long,
    kind_key,
    markdown_cell,
    markdown_line,
    minute,
    number,
    p_value,
    percent,
    printable,
    ranks,
    row_name,
    score_digits,
    shown_value,
)
from reports.gaps import (
    comparable,
    comparison_cautions,
    difference_bounds,
    gap_cautions,
    has_sure_sign,
    legend,
    marked,
    marked_difference,
    row_bounds,
    tag_mean,
)
from reports.wording import Language, Words, words

_NAMED = 3  # candidates named in one caution
_REASONS = 10
_LIKERT_WIDTH = 4  # tasks needed for 0.1 to 0.3 points mean something on the 1-5 scale


def leaderboard_markdown(
    leaderboard: Leaderboard,
    provenance: Mapping[str, Any],
    notices: Sequence[str] = (),
    *,
    cautions: Sequence[str] = (),
    language: Language = "en",
) -> str:
    """Return the whole document. ``cautions`` are about the run as a whole and stand before every figure."""
    say = words(language)
    parts = [
        f"# {say('title.leaderboard', run=markdown_cell(leaderboard.run))}",
        headline(leaderboard, provenance, say),
        say("headline.legend", confidence=percent(leaderboard.confidence)),
    ]
    if cautions:
        parts.append(f"## {say('title.cautions')}\n\n{_bullets(cautions)}")
    parts += [_board_section(board, leaderboard.confidence, say) for board in leaderboard.boards]
    if notices:
        parts.append(f"## {say('title.notes')}\n\n{_bullets(notices)}")
    parts.append(_provenance_section(provenance, say))
    return "\n\n".join(parts) + "\n"


def comparison_report(leaderboard: Leaderboard, *, language: Language = "en") -> str:
    """Return every comparison of every board, with what each board can tell apart."""
    say = words(language)
    parts = [f"# {say('title.comparisons', run=markdown_cell(leaderboard.run))}"]
    for board in leaderboard.boards:
        parts.append(f"## {_board_title(board, say)}")
        if not board.comparisons:
            parts.append(say("board.alone"))
            continue
        parts += [comparison_table(board, say), resolution(board, say)]
        if noisy := noise(board, say):
            parts.append(noisy)
        parts.append(say("board.corrected", method=board.family_method))
        parts += _comparison_cautions(board, say)
    return "\n\n".join(parts) + "\n"


def headline(leaderboard: Leaderboard, provenance: Mapping[str, Any], say: Words) -> str:
    """Return what was compared, on what, by whom and when, in one sentence of Markdown."""
    tasks = {board.task: board.n_samples for board in leaderboard.boards}
    judges = list(dict.fromkeys(board.judge.name for board in leaderboard.boards))
    models = list(dict.fromkeys(row.key.model for board in leaderboard.boards for row in board.rows))
    shown = ", ".join(map(markdown_cell, models)) if len(models) <= 5 else say("headline.models", count=len(models))  # noqa: PLR2004 - what fits a line
    return say(
        "headline.sentence",
        models=shown,
        tasks=", ".join(
            say("headline.tasks", task=markdown_cell(task), count=number(count, 0)) for task, count in tasks.items()
        ),
        judges=", ".join(map(markdown_cell, judges)),
        date=minute(str(provenance.get("date", MISSING))),
    )


def board_table(board: Board, confidence: float, say: Words | None = None) -> str:
    """Return the table of one board: ranks and means, and next to them each candidate against the baseline.

    Where rows lack scores it also says what their place goes by, and what their figures could be.
    """
    say = say or words("en")
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    rate = "column.pass_rate" if board.judge.scale.is_pass_fail else "column.mean"
    columns = [("right", say("column.rank")), ("left", say("column.model"))]
    prompted = any(row.key.prompt is not None for row in board.rows)
    columns += [("left", say("column.prompt"))] if prompted else []
    columns += [("right", say(rate)), ("center", say("column.interval", confidence=percent(confidence)))]
    gaps = board.has_gaps
    columns += [("right", say("column.comparable")), ("center", say("column.bounds"))] if gaps else []
    columns += [("right", say("column.n")), ("right", say("column.unscored"))]
    ends_known = any(row.length_stop_rate is not None for row in board.rows)
    columns += [("right", say("column.cut"))] if ends_known else []
    compared = bool(board.comparisons)
    if compared:
        columns += [("right", say("column.difference")), ("center", say("column.difference_interval"))]
        columns += [("center", say("column.difference_bounds"))] if gaps else []
        columns += [("right", say("column.p_adjusted")), ("right", say("column.wins"))]
    rows = []
    for row in board.rows:
        cells = [marked(ranks(row.rank), row), markdown_cell(row.key.model)]
        cells += [markdown_cell(row.key.prompt or MISSING)] if prompted else []
        cells += [marked(number(row.estimate.value, digits), row), interval(row.estimate, digits)]
        cells += [comparable(row, digits, say), row_bounds(row, digits)] if gaps else []
        cells += [say("column.of", n=row.estimate.n, total=board.n_samples), str(row.estimate.n_unscored)]
        cells += [percent(row.length_stop_rate)] if ends_known else []
        if compared:
            cells += _against(board.against_baseline(row.key), digits, say, gaps=gaps)
        rows.append(cells)
    return _table(rows, [header for _, header in columns], [align for align, _ in columns])


def comparison_table(board: Board, say: Words | None = None) -> str:
    """Return every comparison of one board, one line each."""
    say = say or words("en")
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    gaps = any(comparison.result.gap for comparison in board.comparisons)
    rows = [
        [
            markdown_cell(row_name(comparison.candidate)),
            markdown_cell(row_name(comparison.baseline)),
            marked_difference(comparison.result, digits),
            interval(comparison.result.difference, digits, with_sign=True),
            interval(comparison.result.simultaneous, digits, with_sign=True),
            p_value(comparison.result.p_value),
            p_value(comparison.result.p_adjusted),
            wins(comparison.result),
            str(comparison.result.n_pairs),
            number(comparison.result.minimum_detectable, digits),
            *([difference_bounds(comparison.result, digits)] if gaps else []),
        ]
        for comparison in board.comparisons
    ]
    headers = ["candidate", "baseline", "difference", "difference_interval", "simultaneous", "p", "p_adjusted", "wins",
               "pairs", "detectable", *(["difference_bounds"] if gaps else [])]  # fmt: skip
    align = ["left", "left", "right", "center", "center", "right", "right", "right", "right", "right"]
    align += ["center"] if gaps else []
    return _table(rows, [say(f"column.{header}") for header in headers], align)


def resolution(board: Board, say: Words | None = None) -> str:
    """Return one plain sentence on what the board can and cannot tell apart, with what it would take."""
    say = say or words("en")
    plan = board.plan
    if plan.minimum_detectable is None:
        return say("board.nothing_compared")
    scale = board.judge.scale
    sentence = say(
        "board.resolution",
        n=plan.n,
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


def noise(board: Board, say: Words | None = None) -> str:
    """Return where the noise of a repeated board comes from and what to buy next; nothing without repeats."""
    advice = board.repeats
    if advice is None or not advice.components.se:  # rows that never differ have no noise to explain
        return ""
    say = say or words("en")
    digits = score_digits(board.judge.scale.low, board.judge.scale.high) + 1
    names = [row_name(row) for row in (advice.candidate, advice.baseline) if row is not None]
    components = advice.components
    parts = [
        say(
            "board.noise",
            what=" − ".join(map(markdown_cell, names)),
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


def verdict_on_board(board: Board, confidence: float, say: Words) -> str | None:
    """Return how many rows are better or worse than the baseline by the corrected p-values; None if none is compared.

    All compared rows have one baseline, or there is no such sentence.
    """
    baselines = {comparison.baseline for comparison in board.comparisons}
    if len(baselines) != 1:
        return None
    alpha = 1 - confidence
    found = [
        comparison.result
        for comparison in board.comparisons
        if comparison.result.p_adjusted is not None and comparison.result.p_adjusted < alpha
    ]
    said = say(
        "board.significant",
        better=sum((result.difference.value or 0.0) > 0 for result in found),
        worse=sum((result.difference.value or 0.0) < 0 for result in found),
        count=len(board.comparisons),
        baseline=row_name(next(iter(baselines))),
        alpha=f"{alpha:.2g}",
    )
    open_ones = sum(result.gap is not None and not has_sure_sign(result) for result in found)
    return said + say("space") + say("gap.better", count=open_ones) if open_ones else said


def method_note(board: Board, say: Words) -> str:
    """Return how the figures of one board were made, as plain text."""
    intervals = ", ".join(sorted({row.estimate.method for row in board.rows}))
    note = say("board.intervals", methods=intervals)
    if board.comparisons:
        note += say("space") + say(
            "board.differences",
            baseline=row_name(board.comparisons[0].baseline),
            methods=", ".join(sorted({comparison.result.difference.method for comparison in board.comparisons})),
            p_methods=", ".join(sorted({comparison.result.p_method for comparison in board.comparisons})),
            family=board.family_method,
        )
    return note


def cautions_about(board: Board, say: Words) -> list[tuple[str, str]]:
    """Return what to beware of in one board: whom it is about ("" for all), and the sentence. Plain text."""
    said = [("", caution) for caution in gap_cautions(board, say)]
    said += [("", say.sentence(caution)) for caution in board.cautions]
    about: dict[str, list[str]] = {}
    for comparison in board.comparisons:
        # What a row lacks is said once, with its mean.
        for caution in (caution for caution in comparison.result.cautions if caution != comparison.result.gap):
            about.setdefault(caution, []).append(row_name(comparison.candidate))
    return said + [(say.several(names, _NAMED), say.sentence(caution)) for caution, names in about.items()]


def missing_reasons(rows: Sequence[BoardRow]) -> list[tuple[str, int]]:
    """Return why verdicts are missing with their numbers, the commonest first."""
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(row.reasons)
    return grouped_reasons(reasons)


def wins(result: PairedComparison) -> str:
    """Return wins, ties and losses of the candidate."""
    return f"{result.wins}/{result.ties}/{result.losses}"


def scale_note(board: Board, say: Words) -> str:
    """Return the scale of a board, and what a judge of its kind measures, so that nobody reads a check as quality."""
    measured = say.section("kind")[kind_key(board.judge.kind, board.judge.scored_by)]
    return say("board.scale", scale=board.judge.scale) + say("space") + measured


def _against(result: PairedComparison | None, digits: int, say: Words, *, gaps: bool) -> list[str]:
    if result is None:
        return [say("board.baseline"), "", "", "", *([""] if gaps else [])]
    return [
        marked_difference(result, digits),
        interval(result.difference, digits, with_sign=True),
        *([difference_bounds(result, digits)] if gaps else []),
        p_value(result.p_adjusted),
        wins(result),
    ]


def _board_title(board: Board, say: Words) -> str:
    return say("title.board", task=markdown_cell(board.task), judge=markdown_cell(board.judge.name))


def _board_section(board: Board, confidence: float, say: Words) -> str:
    parts = [
        f"## {_board_title(board, say)}",
        scale_note(board, say),
        board_table(board, confidence, say),
        *filter(None, [legend(board, say)]),
        resolution(board, say),
    ]
    if significant := verdict_on_board(board, confidence, say):
        parts.append(markdown_line(significant))
    if noisy := noise(board, say):
        parts.append(noisy)
    parts.append(markdown_line(method_note(board, say)))
    parts += [_caution(about, caution, say) for about, caution in cautions_about(board, say)]
    if missing := missing_reasons(board.rows):
        parts.append(_missing(missing, say))
    if board.rows and board.rows[0].tags:
        parts.append(_tag_table(board, say))
    return "\n\n".join(parts)


def _comparison_cautions(board: Board, say: Words) -> list[str]:
    of_pairs = [(about, caution) for about, caution in cautions_about(board, say) if about]
    return [_caution(about, caution, say) for about, caution in comparison_cautions(board, say) + of_pairs]


def _caution(about: str, caution: str, say: Words) -> str:
    if not about:
        return f"**{say('board.caution')}** {markdown_cell(caution)}"
    return f"**{say('board.caution_about', names=markdown_cell(about))}** {markdown_cell(caution)}"


def _missing(reasons: Sequence[tuple[str, int]], say: Words) -> str:
    shown = [f"{count} × {reason}" for reason, count in reasons[:_REASONS]]
    if len(reasons) > len(shown):
        shown.append(say("board.more_reasons", count=len(reasons) - len(shown)))
    return f"{say('board.missing', count=sum(count for _, count in reasons))}\n\n{_bullets(shown)}"


def _tag_table(board: Board, say: Words) -> str:
    digits = score_digits(board.judge.scale.low, board.judge.scale.high)
    counts = {tag.tag: tag.estimate.n + tag.estimate.n_unscored for tag in board.rows[0].tags}
    prompted = any(row.key.prompt is not None for row in board.rows)
    headers = [say("column.model")] + ([say("column.prompt")] if prompted else [])
    headers += [f"{markdown_cell(tag)} ({count})" for tag, count in counts.items()]
    rows = [
        [
            markdown_cell(row.key.model),
            *([markdown_cell(row.key.prompt or MISSING)] if prompted else []),
            *(tag_mean(row, tag, digits) for tag in row.tags),
        ]
        for row in board.rows
    ]
    align = ["left", "left"][: 1 + prompted] + ["right"] * len(counts)
    return f"{say('board.tags')}\n\n{_table(rows, headers, align)}"


def _provenance_section(provenance: Mapping[str, Any], say: Words) -> str:
    """Return single values as a table and everything with several entries folded, so that 60 models stay readable."""
    names = say.section("provenance")
    plain: list[tuple[str, str]] = []
    folded = []
    for key, value in provenance.items():
        title = names.get(key, key)
        if key == "command" or value in ({}, []):
            continue
        if is_long(value):
            lines = _bullets([f"{name}: {shown_value(item)}" for name, item in value.items()])
            folded.append(f"<details><summary>{escape(title)} ({len(value)})</summary>\n\n{lines}\n\n</details>")
        else:
            plain.append((markdown_cell(title), markdown_cell(shown_value(value))))
    table = _table(plain, [say("column.what"), say("column.value")], ["left", "left"])
    parts = [f"## {say('title.provenance')}", table, *folded]
    command = printable(str(provenance.get("command", "")))
    fence = "`" * 3
    while fence in command:
        fence += "`"
    parts.append(f"{say('title.rerun')}\n\n{fence}console\n$ {' '.join(command.split(chr(10)))}\n{fence}")
    return "\n\n".join(parts)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_line(line)}" for line in lines)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], align: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align if rows else None, disable_numparse=True)
