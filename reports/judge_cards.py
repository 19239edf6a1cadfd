"""The judges tab of report.html: what each judge gave, how alike two of them are. Pure."""

from typing import Any

from markupsafe import Markup

from harness.analysis.judge_audit import Bin, JudgeAudit, JudgeAudits, Lengths, PairAudit, judge_audits
from harness.analysis.panel import judge_tables
from harness.types import Estimate
from reports.formatting import MISSING, interval, kind_key, number, percent, score_digits, signed
from reports.run_view import Report
from reports.svg import level_bars
from reports.wording import Words


def judge_cards(report: Report, say: Words) -> list[dict[str, Any]]:
    """Return what the tab shows of every task set."""
    found = judge_audits(judge_tables(report.tables), _lengths(report), confidence=report.leaderboard.confidence)
    return [_cards(one, say) for one in found]


def _lengths(report: Report) -> Lengths:
    return {
        (answer.task, answer.row, answer.sample_id, answer.repeat): len(text)
        for answer in report.answers
        if answer.generation is not None and (text := answer.generation.text) is not None
    }


def _cards(found: JudgeAudits, say: Words) -> dict[str, Any]:
    return {
        "task": found.task,
        "cards": [_card(card, say) for card in found.cards],
        "pairs": [_pair(pair) for pair in found.pairs if pair.agreement is not None],
        "rankings": [
            (pair.first, pair.second, f"{pair.n:,}", number(pair.rank_answers), number(pair.rank_rows))
            for pair in found.pairs
            if pair.agreement is None
        ],
    }


def _card(card: JudgeAudit, say: Words) -> dict[str, Any]:
    scale = card.judge.scale
    digits = score_digits(scale.low, scale.high)
    slope, own = card.length_slope, card.consistency
    facts = [
        (say("page.scale"), str(scale)),
        (say("page.mean"), number(card.mean, digits)),
        (say("page.scored"), f"{card.n_scored:,}"),
        (say("column.unscored"), f"{card.n - card.n_scored:,}"),
    ]
    if card.versions:
        facts.append((say("page.versions"), ", ".join(card.versions)))
    if slope.value is not None:
        facts.append(
            (say("page.length_slope"), _with_interval(signed(slope.value, digits), slope, digits, with_sign=True))
        )
    if own is not None:
        facts += [
            (say("page.self_exact", repeats=own.repeats), percent(own.exact.value)),
            (say("page.self_within", step=f"{own.step:g}"), percent(own.within.value)),
        ]
    shares = [one.count / max(1, card.n_scored) for one in card.histogram]
    levels = [(_bin(one, digits), percent(share)) for one, share in zip(card.histogram, shares, strict=True)]
    ends = [
        f"{one.low:g}" for one in card.histogram
    ]  # of a range its lower end: the words beside the picture have both
    bars = [(end, share, text) for end, (_, text), share in zip(ends, levels, shares, strict=True)]
    return {
        "judge": card.judge.name,
        "kind": say.section("kind")[kind_key(card.judge.kind, card.judge.scored_by)],
        "facts": facts,
        "levels": levels,
        "picture": Markup(level_bars(bars, title=say("page.given"))),  # noqa: S704 - written element by element
    }


def _bin(one: Bin, digits: int) -> str:
    return f"{one.low:g}" if one.low == one.high else f"{number(one.low, digits)}–{number(one.high, digits)}"


def _pair(pair: PairAudit) -> tuple[str, ...]:
    found = pair.agreement
    assert found is not None
    return (
        pair.first,
        pair.second,
        f"{found.n:,}",
        percent(found.exact.value),
        percent(found.within_one.value),
        _with_interval(number(found.kappa.value), found.kappa),
        _with_interval(signed(found.bias.value), found.bias, with_sign=True),
        number(pair.alpha),
        number(pair.rank_rows),
    )


def _with_interval(value: str, estimate: Estimate, digits: int = 2, *, with_sign: bool = False) -> str:
    bounds = interval(estimate, digits, with_sign=with_sign)
    return value if bounds == MISSING else f"{value} ({bounds})"
