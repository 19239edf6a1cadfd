"""The judge cards of a run as Markdown and as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tabulate import tabulate

from harness.analysis.human_anchor import AnchoredRow, Anchoring
from harness.analysis.judge_audit import Bin, Confusion, GroupAlpha, JudgeAudit, PairAudit, RaterAudit
from harness.analysis.judge_error import JudgeError, closest
from harness.stats import Agreement
from harness.types import Estimand, Estimate
from harness.unscored import Unscored, by_code
from reports.formatting import interval, kind_key, markdown_cell, number, percent, row_name, score_digits, signed
from reports.wording import Language, Words, words

_SHOWN_ROWS = 10  # of a table with one line per model
_BAR = 30  # characters of the longest bar of a histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardErrors:
    """How small an error of the judge would change the verdicts of a primary board."""

    judge: str
    errors: tuple[JudgeError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAudit:
    """The cards of all judges of one task set."""

    task: str
    cards: tuple[JudgeAudit, ...]
    pairs: tuple[PairAudit, ...]
    groups: tuple[GroupAlpha, ...]
    confusions: tuple[Confusion, ...]
    anchorings: tuple[Anchoring, ...]
    errors: tuple[BoardErrors, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Everything that `harness audit` says.

    ``human``: the judge that stands for people, if there is one · ``estimand``: what its run's verdicts are about, and
    so the errors that would change them; all else is about new tasks like these, or says so.
    """

    run: str
    confidence: float
    human: str | None
    tasks: tuple[TaskAudit, ...]
    raters: RaterAudit | None
    estimand: Estimand = "new"


def audit_document(audit: Audit) -> dict[str, Any]:
    """Return the audit as plain values, unrounded; what cannot be computed is None. Reasons are counted by code."""
    document = {"schema": 1, **asdict(audit)}
    for task, shown in zip(audit.tasks, document["tasks"], strict=True):
        for card, values in zip(task.cards, shown["cards"], strict=True):
            values["reasons"] = by_code(card.reasons)
    return document


def audit_markdown(audit: Audit, *, language: Language = "en") -> str:
    """Return the audit as Markdown."""
    say = words(language)
    parts = [f"# {say('audit.title', run=markdown_cell(audit.run))}"]
    if audit.raters is not None:
        parts.append(_raters(audit.raters, say))
    is_one = audit.raters is not None and len(audit.raters.raters) == 1
    for task in audit.tasks:
        parts.append(f"## {markdown_cell(task.task)}")
        for card in task.cards:
            parts += _card(card, say)
        parts += _pairs(task, say)
        parts += [_errors(board, task, say) for board in task.errors]
        parts += [_confusion(table, say) for table in task.confusions]
        for found in task.anchorings:
            parts += _anchoring(found, audit.confidence, say, is_one_rater=is_one)
    parts.append(
        say("audit.intervals", confidence=percent(audit.confidence))
        + say("space")
        + say(f"audit.estimand_{audit.estimand}")
    )
    return "\n\n".join(parts) + "\n"


def agreement_cells(found: Agreement) -> list[str]:
    """Return n, equal, within one, kappa with its interval and bias as table cells."""
    return [
        str(found.n),
        percent(found.exact.value),
        percent(found.within_one.value),
        number(found.kappa.value),
        interval(found.kappa),
        f"{signed(found.bias.value)} ({interval(found.bias, with_sign=True)})",
    ]


def _card(card: JudgeAudit, say: Words) -> list[str]:
    judge = card.judge
    digits = score_digits(judge.scale.low, judge.scale.high)
    counts = {"count": card.n_scored, "total": card.n}
    scored = say("audit.scores", **counts, mean=number(card.mean, digits)) if card.n_scored else ""
    said = [
        say("board.scale", scale=judge.scale),
        say.section("kind")[kind_key(judge.kind, judge.scored_by)],
        scored or say("audit.no_scores", **counts),
    ]
    parts = [f"### {markdown_cell(judge.name)}", say("space").join(said)]
    versions = ", ".join(map(markdown_cell, card.versions))
    if len(card.versions) > 1:
        parts.append(_caution(say("audit.versions", versions=versions), say))
    elif card.versions:
        parts.append(say("audit.version", version=versions))
    if card.reasons:
        parts.append(_reasons(card.reasons, say))
    if card.n_scored:
        parts.append(_histogram(card.histogram, digits, say))
    if card.length_slope.value is not None:
        method = say.sentence(card.length_slope.method)
        parts.append(say("audit.length", slope=_slope(card.length_slope, digits), method=method))
    if (own := card.consistency) is not None:
        parts.append(
            say(
                "audit.itself",
                repeats=own.repeats,
                exact=percent(own.exact.value),
                bounds=_share_interval(own.exact),
                step=f"{own.step:g}",
                within=percent(own.within.value),
                sd=number(own.sd),
                alpha=number(own.alpha),
            )
        )
    return parts


def _reasons(counted: Mapping[Unscored, int], say: Words) -> str:
    reasons = list(counted.items())
    shown = [f"- {count} × {markdown_cell(say.sentence(reason))}" for reason, count in reasons[:_SHOWN_ROWS]]
    if len(reasons) > _SHOWN_ROWS:
        shown.append(f"- {say('audit.more_reasons', count=len(reasons) - _SHOWN_ROWS)}")
    return f"{say('audit.without_score')}\n\n" + "\n".join(shown)


def _caution(said: str, say: Words) -> str:
    return f"**{say('board.caution')}** {said}"


def _histogram(bins: Sequence[Bin], digits: int, say: Words) -> str:
    most = max((one.count for one in bins), default=0)
    total = sum(one.count for one in bins)
    rows = [
        (
            f"{one.low:g}" if one.low == one.high else f"{number(one.low, digits)} – {number(one.high, digits)}",
            str(one.count),
            percent(one.count / total if total else None),
            "█" * round(_BAR * one.count / most) if most else "",
        )
        for one in bins
    ]
    headers = [say("audit.score"), say("audit.verdicts"), say("audit.share"), ""]
    align = ("right", "right", "right", "left")
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align, disable_numparse=True)


def _pairs(task: TaskAudit, say: Words) -> list[str]:
    parts = []
    compared = [pair for pair in task.pairs if pair.agreement is not None]
    if compared:
        rows = [_pair_row(pair, pair.agreement) for pair in compared if pair.agreement is not None]
        headers = [say(f"audit.{name}") for name in ("first", "second")]
        headers += [say("column.n"), say("audit.equal"), say("audit.within", steps=_steps(compared))]
        headers += [say(f"audit.{name}") for name in ("kappa", "interval", "bias", "alpha", *_RANKS)]
        parts.append(f"### {say('audit.agreement')}\n\n{_table(rows, headers)}")
        parts += [
            say(
                "audit.together",
                judges=", ".join(map(markdown_cell, group.judges)),
                alpha=number(group.alpha),
                count=group.n,
            )
            for group in task.groups
        ]
        parts += [_row_bias(pair, say) for pair in compared if pair.row_bias]
    others = [pair for pair in task.pairs if pair.agreement is None]
    if others:
        rows = [
            [markdown_cell(pair.first), markdown_cell(pair.second), str(pair.n), number(pair.rank_answers),
             number(pair.rank_rows)]
            for pair in others
        ]  # fmt: skip
        names = ("audit.first", "audit.second", "column.n", *(f"audit.{name}" for name in _RANKS))
        parts.append(f"### {say('audit.rankings')}\n\n{_table(rows, [say(name) for name in names])}")
    return parts


_RANKS = ("rank_answers", "rank_rows")


def _pair_row(pair: PairAudit, found: Agreement) -> list[str]:
    return [
        markdown_cell(pair.first),
        markdown_cell(pair.second),
        *agreement_cells(found),
        number(pair.alpha),
        number(pair.rank_answers),
        number(pair.rank_rows),
    ]


def _steps(pairs: Sequence[PairAudit]) -> str:
    return ", ".join(sorted({f"{pair.step:g}" for pair in pairs}))


def _row_bias(pair: PairAudit, say: Words) -> str:
    """Return which models one judge favours, and how small a bias would not have shown."""
    clear = [bias for bias in pair.row_bias if bias.is_clear]
    names = {"first": markdown_cell(pair.first), "second": markdown_cell(pair.second)}
    said = [say("audit.favours", **names, count=len(clear), total=len(pair.row_bias))]
    sizes = [one.detectable for one in pair.row_bias if one.detectable is not None]
    if sizes:
        said.append(say("audit.detectable", amount=number(median(sizes))))
    if pair.length_slope is not None and pair.length_slope.value is not None:
        said.append(say("audit.slope", slope=_slope(pair.length_slope, 2)))
    if not clear:
        return say("space").join(said)
    largest = sorted(clear, key=lambda bias: -abs(bias.bias.value or 0.0))[:_SHOWN_ROWS]
    if len(clear) > len(largest):
        said.append(say("audit.largest", count=len(largest)))
    rows = [(markdown_cell(row_name(one.row)), signed(one.bias.value), interval(one.bias, with_sign=True))
            for one in largest]  # fmt: skip
    table = _table(rows, [say("column.model"), say("audit.favoured"), say("audit.interval")])
    return f"{say('space').join(said)}\n\n{table}"


def _errors(board: BoardErrors, task: TaskAudit, say: Words) -> str:
    """Return which constant error of the primary judge would change each verdict, beside biases that were found."""
    shown = sorted(board.errors, key=lambda one: (one.verdict not in {"better", "worse"}, one.flips_at or 0.0))
    rows = [
        (
            markdown_cell(row_name(one.candidate)),
            markdown_cell(row_name(one.baseline)),
            say(f"audit.flip_{one.verdict}"),
            signed(one.difference),
            number(one.flips_at),
            "" if one.favours is None else _direction(one, say),
        )
        for one in shown[:_SHOWN_ROWS]
    ]
    names = ("flip_candidate", "flip_baseline", "flip_verdict", "flip_difference", "flip_at", "flip_if")
    parts = [say("audit.flip", judge=markdown_cell(board.judge))]
    biases = [
        abs(bias.bias.value)
        for pair in task.pairs
        if board.judge in {pair.first, pair.second}
        for bias in pair.row_bias
        if bias.bias.value is not None
    ]
    if biases:
        parts.append(say("audit.flip_seen", amount=number(max(biases))))
    if (weakest := closest(board.errors)) is not None:
        parts.append(say("audit.flip_weakest", amount=number(weakest.flips_at), name=row_name(weakest.candidate)))
    table = _table(rows, [say(f"audit.{name}") for name in names])
    return f"### {say('audit.flip_title')}\n\n{say('space').join(parts)}\n\n{table}"


def _direction(one: JudgeError, say: Words) -> str:
    assert one.favours is not None
    key = "flip_favours" if one.verdict in {"better", "worse"} else "flip_wrongs"
    return markdown_cell(say(f"audit.{key}", name=row_name(one.favours)))


def _confusion(found: Confusion, say: Words) -> str:
    headers = [f"{markdown_cell(found.human)} ↓", *(f"{level:g}" for level in found.judge_levels)]
    rows = [[f"{level:g}", *map(str, counts)] for level, counts in zip(found.human_levels, found.counts, strict=True)]
    return f"### {say('audit.confusion', judge=markdown_cell(found.judge))}\n\n{_table(rows, headers)}"


def _anchoring(found: Anchoring, confidence: float, say: Words, *, is_one_rater: bool) -> list[str]:
    said = [
        say(
            "audit.rated",
            count=max(row.estimate.n_labels for row in found.means),
            total=found.n_tasks,
            human=markdown_cell(found.human),
            drawn=say(f"audit.drawn_{found.drawn_at_random}"),
        ),
        say("audit.estimand", total=found.n_tasks, confidence=percent(confidence)),
        _raters_in(found, say, is_one_rater=is_one_rater),
    ]
    title = f"### {say('audit.anchored', judge=markdown_cell(found.judge))}"
    parts = [title, say("space").join(said), _anchored_table(found.means, "mean", say)]
    if found.differences:
        base = found.differences[0].baseline
        name = say("audit.the_baseline") if base is None else markdown_cell(row_name(base))
        table = _anchored_table(found.differences, "difference", say)
        parts.append(f"{say('audit.differences', baseline=name)}\n\n{table}")
    cautions = dict.fromkeys(caution for row in [*found.means, *found.differences] for caution in row.estimate.cautions)
    return parts + [_caution(f"{markdown_cell(say.sentence(caution))}{say('stop')}", say) for caution in cautions]


def _raters_in(found: Anchoring, say: Words, *, is_one_rater: bool) -> str:
    """Return whether the intervals know how far people differ."""
    if is_one_rater:
        return say("audit.one_rater")
    known = [row.raters for row in found.differences or found.means if row.raters is not None]
    if not known:
        return say("audit.raters_out")
    what = say("column.difference" if found.differences else "column.mean")
    return say("audit.raters_in", count=known[0].n_raters, what=what, sd=number(median(one.sd for one in known)))


def _anchored_table(rows: Sequence[AnchoredRow], what: str, say: Words) -> str:
    names = ("new_tasks", "people_alone", "judge_alone", "worth")
    headers = [say("column.model"), say("audit.anchored_rated")]
    headers += [say("audit.these_tasks", what=say(f"column.{what}")), say("audit.interval")]
    headers += [say(f"audit.{name}") for name in names]
    sign = what == "difference"
    cells = []
    for row in rows:
        found = row.estimate
        value = signed if sign else number
        method = markdown_cell(say.sentence(found.method))
        cells.append([
            markdown_cell(row_name(row.row)),
            str(found.n_labels),
            value(found.these_tasks.value) if found.these_tasks.value is not None else method,
            interval(found.these_tasks, with_sign=sign),
            interval(found.population, with_sign=sign),
            interval(found.labels_only_these_tasks, with_sign=sign),
            value(found.judge_mean),
            number(found.effective_labels_these_tasks, 0),
        ])  # fmt: skip
    return _table(cells, headers)


def _raters(card: RaterAudit, say: Words) -> str:
    rows = [(f"{first} – {second}", *agreement_cells(found)) for first, second, found in card.pairs]
    headers = [say("audit.raters_column"), say("column.n"), say("audit.equal"), say("audit.within", steps="1")]
    headers += [say(f"audit.{name}") for name in ("kappa", "interval", "bias")]
    said = say("audit.raters", count=len(card.raters), answers=card.n_items, alpha=number(card.alpha))
    table = f"\n\n{_table(rows, headers)}" if card.pairs else ""
    return f"## {say('audit.people')}\n\n{said}{table}"


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _slope(estimate: Estimate, digits: int) -> str:
    return f"{signed(estimate.value, digits)} ({interval(estimate, digits, with_sign=True)})"


def _share_interval(estimate: Estimate) -> str:
    return f"{percent(estimate.low)} – {percent(estimate.high)}"
