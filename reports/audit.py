"""The judge cards of a run as Markdown and as plain values."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tabulate import tabulate

from harness.analysis.human_anchor import AnchoredRow, Anchoring
from harness.analysis.judge_audit import Bin, Confusion, GroupAlpha, JudgeCard, PairCard, RaterCard
from harness.stats import Agreement
from harness.tables import compact
from harness.types import Estimate
from reports.formatting import interval, kind_key, markdown_cell, number, percent, row_name, score_digits, signed
from reports.wording import words

_SHOWN_ROWS = 10  # of a table with one line per model
_BAR = 30  # characters of the longest bar of a histogram

_LOCATED = re.compile(r"(.*) \((.+):(\d+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAudit:
    """The cards of all judges of one task set."""

    task: str
    cards: tuple[JudgeCard, ...]
    pairs: tuple[PairCard, ...]
    groups: tuple[GroupAlpha, ...]
    confusions: tuple[Confusion, ...]
    anchorings: tuple[Anchoring, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Everything that `harness audit` says. ``human``: the judge that stands for people, if there is one."""

    run: str
    confidence: float
    human: str | None
    tasks: tuple[TaskAudit, ...]
    raters: RaterCard | None


def audit_document(audit: Audit) -> dict[str, Any]:
    """Return the audit as plain values, unrounded; what cannot be computed is None."""
    return {"schema": 1, **asdict(audit)}


def audit_markdown(audit: Audit) -> str:
    """Return the audit as Markdown."""
    parts = [f"# Judge cards: {markdown_cell(audit.run)}"]
    if audit.raters is not None:
        parts.append(_raters(audit.raters))
    for task in audit.tasks:
        parts.append(f"## {markdown_cell(task.task)}")
        for card in task.cards:
            parts += _card(card)
        parts += _pairs(task)
        parts += [_confusion(table) for table in task.confusions]
        parts += [part for found in task.anchorings for part in _anchoring(found, audit.confidence)]
    parts.append(
        f"All intervals: {percent(audit.confidence)}. Answers to one task are alike, so intervals are cluster-robust "
        "over tasks."
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


def grouped_reasons(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return reasons with their number, most frequent first; those that differ only in a line of a file are one.

    >>> grouped_reasons({"blank score (a.csv:7)": 1, "blank score (a.csv:3)": 1, "no rating": 1})
    [('blank score (a.csv: 3, 7)', 2), ('no rating', 1)]
    """
    lines: dict[tuple[str, str], list[int]] = {}
    found: Counter[str] = Counter()
    for reason, count in reasons.items():
        if located := _LOCATED.fullmatch(reason):
            lines.setdefault((located[1], located[2]), []).append(int(located[3]))
        else:
            found[reason] += count
    for (reason, path), numbers in lines.items():
        found[f"{reason} ({path}: {compact(numbers)})"] += len(numbers)
    return found.most_common()


def _card(card: JudgeCard) -> list[str]:
    judge = card.judge
    digits = score_digits(judge.scale.low, judge.scale.high)
    kind = words("en").section("kind")[kind_key(judge.kind, judge.scored_by)]
    said = f"{card.n_scored} of {card.n} verdicts are scores"
    said += f", their mean is {number(card.mean, digits)}." if card.n_scored else "."
    parts = [f"### {markdown_cell(judge.name)}", f"Scale {judge.scale}. {kind} {said}"]
    if len(card.versions) > 1:
        parts.append(
            f"**Caution:** it answered as several model versions: {', '.join(map(markdown_cell, card.versions))}."
        )
    elif card.versions:
        parts.append(f"Model version: {markdown_cell(card.versions[0])}.")
    if card.reasons:
        reasons = grouped_reasons(card.reasons)
        shown = [f"- {count} × {markdown_cell(reason)}" for reason, count in reasons[:_SHOWN_ROWS]]
        if len(reasons) > _SHOWN_ROWS:
            shown.append(f"- … and {len(reasons) - _SHOWN_ROWS} more reasons (see --json)")
        parts.append("Unscored:\n\n" + "\n".join(shown))
    if card.n_scored:
        parts.append(_histogram(card.histogram, digits))
    if card.length_slope.value is not None:
        parts.append(
            f"Length: {_slope(card.length_slope, digits)} per doubling of an answer's length "
            f"({card.length_slope.method}). Longer answers may also be better ones: this is no proof of bias."
        )
    if (own := card.consistency) is not None:
        parts.append(
            f"Asked {own.repeats} times, it agrees with itself on {percent(own.exact.value)} of pairs "
            f"({_share_interval(own.exact)}) and within {own.step:g} on {percent(own.within.value)}; verdicts on one "
            f"answer have a standard deviation of {number(own.sd)}; ordinal alpha {number(own.alpha)}."
        )
    return parts


def _histogram(bins: Sequence[Bin], digits: int) -> str:
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
    align = ("right", "right", "right", "left")
    return tabulate(
        rows, headers=["score", "verdicts", "share", ""], tablefmt="github", colalign=align, disable_numparse=True
    )


def _pairs(task: TaskAudit) -> list[str]:
    parts = []
    compared = [pair for pair in task.pairs if pair.agreement is not None]
    if compared:
        rows = [_pair_row(pair, pair.agreement) for pair in compared if pair.agreement is not None]
        headers = ["first", "second", "n", "equal", f"within {_steps(compared)}", "kappa (quadratic)", "its interval",
                   "bias: first - second", "alpha (ordinal)", "rank corr., answers", "rank corr., models"]  # fmt: skip
        table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
        parts.append(f"### Agreement between judges of one scale\n\n{table}")
        parts += [
            f"Krippendorff's ordinal alpha of {', '.join(markdown_cell(name) for name in group.judges)} together: "
            f"{number(group.alpha)} ({group.n} answers)."
            for group in task.groups
        ]
        parts += [_row_bias(pair) for pair in compared if pair.row_bias]
    others = [pair for pair in task.pairs if pair.agreement is None]
    if others:
        rows = [
            [markdown_cell(pair.first), markdown_cell(pair.second), str(pair.n), number(pair.rank_answers),
             number(pair.rank_rows)]
            for pair in others
        ]  # fmt: skip
        headers = ["first", "second", "n", "rank corr., answers", "rank corr., models"]
        table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
        parts.append(f"### Judges of different scales or kinds: only how alike they rank\n\n{table}")
    return parts


def _pair_row(pair: PairCard, found: Agreement) -> list[str]:
    return [
        markdown_cell(pair.first),
        markdown_cell(pair.second),
        *agreement_cells(found),
        number(pair.alpha),
        number(pair.rank_answers),
        number(pair.rank_rows),
    ]


def _steps(pairs: Sequence[PairCard]) -> str:
    return ", ".join(sorted({f"{pair.step:g}" for pair in pairs}))


def _row_bias(pair: PairCard) -> str:
    clear = [bias for bias in pair.row_bias if bias.is_clear]
    sentence = (
        f"Compared with {markdown_cell(pair.second)}, {markdown_cell(pair.first)} favours or disfavours "
        f"{len(clear)} of {len(pair.row_bias)} models beyond noise (simultaneous intervals, Sidak)"
    )
    if pair.length_slope is not None and pair.length_slope.value is not None:
        sentence += f"; first - second changes by {_slope(pair.length_slope, 2)} per doubling of an answer's length"
    if not clear:
        return f"{sentence}."
    largest = sorted(clear, key=lambda bias: -abs(bias.bias.value or 0.0))[:_SHOWN_ROWS]
    rows = [(markdown_cell(row_name(one.row)), signed(one.bias.value), interval(one.bias, with_sign=True))
            for one in largest]  # fmt: skip
    table = tabulate(rows, headers=["model", "favoured by", "its interval"], tablefmt="github", disable_numparse=True)
    more = "" if len(clear) == len(largest) else f" The {len(largest)} largest:"
    return f"{sentence}.{more}\n\n{table}"


def _confusion(found: Confusion) -> str:
    headers = [f"{markdown_cell(found.human)} ↓", *(f"{level:g}" for level in found.judge_levels)]
    rows = [[f"{level:g}", *map(str, counts)] for level, counts in zip(found.human_levels, found.counts, strict=True)]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return f"### Scores of {markdown_cell(found.judge)} (columns) where people gave those of the rows\n\n{table}"


def _anchoring(found: Anchoring, confidence: float) -> list[str]:
    n_labels = max(row.estimate.n_labels for row in found.means)
    drawn = {
        True: "drawn at random, on record",
        False: "not exactly the drawn ones",
        None: "not on record as drawn at random",
    }
    estimand = (
        f"{n_labels} of {found.n_tasks} tasks are rated by {markdown_cell(found.human)} "
        f"({drawn[found.drawn_at_random]}). Two questions have two intervals: the mean that people would give on "
        f"exactly these {found.n_tasks} tasks, and on new tasks like these. Survey regression on the judge's scores, "
        f"{percent(confidence)} intervals, each by itself: none is corrected for the number of models. The judge's own "
        "mean is not a human figure."
    )
    title = f"### What people would say, with the help of {markdown_cell(found.judge)}"
    parts = [title, estimand, _anchored_table(found.means, "mean")]
    if found.differences:
        base = found.differences[0].baseline
        name = "the baseline" if base is None else markdown_cell(row_name(base))
        parts.append(f"Differences to {name}:\n\n{_anchored_table(found.differences, 'difference')}")
    cautions = dict.fromkeys(caution for row in [*found.means, *found.differences] for caution in row.estimate.cautions)
    return parts + [f"**Caution:** {markdown_cell(caution)}." for caution in cautions]


def _anchored_table(rows: Sequence[AnchoredRow], what: str) -> str:
    headers = ["model", "rated", f"{what}, these tasks", "its interval", "interval, new tasks", "people alone",
               "judge alone", "worth, in labels"]  # fmt: skip
    sign = what == "difference"
    cells = []
    for row in rows:
        found = row.estimate
        value = signed if sign else number
        cells.append([
            markdown_cell(row_name(row.row)),
            str(found.n_labels),
            value(found.these_tasks.value) if found.these_tasks.value is not None else markdown_cell(found.method),
            interval(found.these_tasks, with_sign=sign),
            interval(found.population, with_sign=sign),
            interval(found.labels_only_these_tasks, with_sign=sign),
            value(found.judge_mean),
            number(found.effective_labels_these_tasks, 0),
        ])  # fmt: skip
    return tabulate(cells, headers=headers, tablefmt="github", disable_numparse=True)


def _raters(card: RaterCard) -> str:
    rows = [(f"{first} – {second}", *agreement_cells(found)) for first, second, found in card.pairs]
    headers = ["raters", "n", "equal", "within 1", "kappa (quadratic)", "its interval", "bias: first - second"]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    return (
        f"## People\n\n{len(card.raters)} raters, {card.n_items} answers. Krippendorff's ordinal alpha of all: "
        f"{number(card.alpha)}." + (f"\n\n{table}" if card.pairs else "")
    )


def _slope(estimate: Estimate, digits: int) -> str:
    return f"{signed(estimate.value, digits)} ({interval(estimate, digits, with_sign=True)})"


def _share_interval(estimate: Estimate) -> str:
    return f"{percent(estimate.low)} – {percent(estimate.high)}"
