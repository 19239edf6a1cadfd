"""The scores of a card: what the harness measured of an adapter, beside the baseline of its run."""

from collections.abc import Sequence

from tabulate import tabulate

from reports.formatting import (
    MISSING,
    interval,
    kind_key,
    markdown_cell,
    markdown_line,
    minute,
    number,
    p_value,
    percent,
    score_digits,
    signed,
)
from reports.wording import words
from trainers.adapter.scores import Difference, ScoreRow

BEGIN = "<!-- scores: begin -->"
END = "<!-- scores: end -->"


def scores_section(scores: Sequence[ScoreRow]) -> str:
    """Return a table for each run, task and judge, as Markdown without its heading.

    Scores of different judges and tasks stay apart: they are never averaged.
    """
    boards: dict[tuple[str, ...], list[ScoreRow]] = {}
    for row in scores:
        boards.setdefault((row.run, row.date, row.score.task, row.score.judge), []).append(row)
    said = "Measured by ja-harness, with intervals. Scores of different judges or tasks are never averaged."
    return "\n\n".join([said, *map(_board, boards.values())])


def _board(rows: Sequence[ScoreRow]) -> str:
    first = rows[0]
    score = first.score
    kinds = words("en").section("kind")  # a results.json that somebody else made may name kinds of its own
    measured = kinds.get(kind_key(score.kind, score.scored_by), kinds["quality"])
    dated = f" of {markdown_cell(minute(first.date))}" if first.date else ""
    parts = [
        f"### {markdown_cell(score.task)}, judged by {markdown_cell(score.judge)}",
        f"Run {markdown_cell(first.run)}{dated}. Scale {score.scale[0]:g}-{score.scale[1]:g}. {measured}",
        _table(rows),
    ]
    if any(row.against for row in rows):
        parts.append(
            "Difference: the adapter's mean minus the baseline's, on the same tasks, with its own interval; p: exact "
            "sign-flip test, after Holm's correction for all comparisons of this table's run."
        )
    parts += [f"**Caution:** {markdown_line(caution)}" for caution in dict.fromkeys(_cautions(rows))]
    return "\n\n".join(parts)


def _cautions(rows: Sequence[ScoreRow]) -> list[str]:
    return [caution for row in rows for caution in row.cautions]


def _table(rows: Sequence[ScoreRow]) -> str:
    prompted = any(row.score.prompt is not None for row in rows)
    ends_known = any(row.score.length_stop_rate is not None for row in rows)
    compared = any(row.against for row in rows)
    confidence = percent(rows[0].score.confidence)
    columns = [("left", "Model")] + [("left", "Prompt")] * prompted
    columns += [("right", "Mean"), ("center", f"{confidence} interval"), ("right", "n"), ("right", "Unscored")]
    columns += [("right", "Cut at the limit")] * ends_known
    columns += [("right", "Difference"), ("center", f"{confidence} interval of it"), ("right", "p, Holm")] * compared
    lines = []
    for row in rows:
        score = row.score
        digits = score_digits(*score.scale)
        cells = [markdown_cell(score.model) + " (baseline)" * row.is_baseline]
        cells += [markdown_cell(score.prompt or MISSING)] * prompted
        cells += [number(score.mean, digits), interval(score.estimate, digits), str(score.n), str(score.n_unscored)]
        cells += [percent(score.length_stop_rate)] * ends_known
        cells += _against(row.against, digits) * compared
        lines.append(cells)
    return tabulate(
        lines,
        headers=[title for _, title in columns],
        tablefmt="github",
        colalign=[side for side, _ in columns],
        disable_numparse=True,
    )


def _against(found: Difference | None, digits: int) -> list[str]:
    if found is None:
        return ["", "", ""]
    spread = interval(found.estimate, digits, with_sign=True)
    return [signed(found.difference, digits), spread, p_value(found.p_adjusted)]
