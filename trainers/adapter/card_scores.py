"""The scores of a card: what the harness measured of an adapter, beside the baseline of its run."""

from collections.abc import Sequence

from tabulate import tabulate

from harness.locale import Language, tr
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
from reports.wording import Words, words
from trainers.adapter.card_usage import Say
from trainers.adapter.scores import Difference, ScoreRow

BEGIN = "<!-- scores: begin -->"
END = "<!-- scores: end -->"


def scores_section(scores: Sequence[ScoreRow], language: Language = "en") -> str:
    """Return a table for each run, task and judge, as Markdown without its heading.

    Scores of different judges and tasks stay apart: they are never averaged.
    """
    boards: dict[tuple[str, ...], list[ScoreRow]] = {}
    for row in scores:
        boards.setdefault((row.run, row.date, row.score.task, row.score.judge), []).append(row)
    said = tr("Measured by ja-harness, with intervals. Scores of different judges or tasks are never averaged.")
    chosen = words(language)
    return "\n\n".join([chosen.sentence(said), *(_board(rows, chosen) for rows in boards.values())])


def _board(rows: Sequence[ScoreRow], chosen: Words) -> str:
    say = chosen.sentence
    first = rows[0]
    score = first.score
    kinds = chosen.section("kind")  # a results.json that somebody else made may name kinds of its own
    run = tr("Run {run}.", run=markdown_cell(first.run))
    if first.date:
        run = tr("Run {run} of {date}.", run=markdown_cell(first.run), date=markdown_cell(minute(first.date)))
    about = tr(
        "{run} Scale {scale}. {measured}",
        run=run,
        scale=f"{score.scale[0]:g}-{score.scale[1]:g}",
        measured=kinds.get(kind_key(score.kind, score.scored_by), kinds["quality"]),
    )
    title = tr("{task}, judged by {judge}", task=markdown_cell(score.task), judge=markdown_cell(score.judge))
    parts = [f"### {say(title)}", say(about), _table(rows, say)]
    if any(row.against for row in rows):
        explained = tr(
            "Difference: the adapter's mean minus the baseline's, on the same tasks, with its own interval; p: exact "
            "sign-flip test, after Holm's correction for all comparisons of this table's run."
        )
        parts.append(say(explained))
    cautions = [markdown_line(say(caution)) for caution in dict.fromkeys(_cautions(rows))]
    parts += [say(tr("**Caution:** {caution}", caution=caution)) for caution in cautions]
    return "\n\n".join(parts)


def _cautions(rows: Sequence[ScoreRow]) -> list[str]:
    return [caution for row in rows for caution in row.cautions]


def _table(rows: Sequence[ScoreRow], say: Say) -> str:
    prompted = any(row.score.prompt is not None for row in rows)
    ends_known = any(row.score.length_stop_rate is not None for row in rows)
    compared = any(row.against for row in rows)
    confidence = percent(rows[0].score.confidence)
    spread = tr("{confidence} interval", confidence=confidence)
    columns: list[tuple[str, str]] = [("left", tr("Model"))]
    columns += [("left", tr("Prompt"))] * prompted
    columns += [("right", tr("Mean")), ("center", spread), ("right", "n"), ("right", tr("Unscored"))]
    columns += [("right", tr("Cut at the limit"))] * ends_known
    if compared:
        its = tr("{confidence} interval of it", confidence=confidence)
        columns += [("right", tr("Difference")), ("center", its), ("right", tr("p, Holm"))]
    lines = []
    for row in rows:
        score = row.score
        digits = score_digits(*score.scale)
        name = markdown_cell(score.model)
        cells = [say(tr("{name} (baseline)", name=name)) if row.is_baseline else name]
        cells += [markdown_cell(score.prompt or MISSING)] * prompted
        cells += [number(score.mean, digits), interval(score.estimate, digits), str(score.n), str(score.n_unscored)]
        cells += [percent(score.length_stop_rate)] * ends_known
        cells += _against(row.against, digits) * compared
        lines.append(cells)
    return tabulate(
        lines,
        headers=[say(title) for _, title in columns],
        tablefmt="github",
        colalign=[side for side, _ in columns],
        disable_numparse=True,
    )


def _against(found: Difference | None, digits: int) -> list[str]:
    if found is None:
        return ["", "", ""]
    spread = interval(found.estimate, digits, with_sign=True)
    return [signed(found.difference, digits), spread, p_value(found.p_adjusted)]
