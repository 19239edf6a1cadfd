"""The pictures of the page on statistics, drawn from what the harness's own functions say of made-up scores.

``python docs/site/pictures.py`` writes docs/pictures/; a test fails where they are not what this makes.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from math import log10, sqrt
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from harness.stats import mean_interval, minimum_detectable_effect, paired_comparison
from harness.stats.arrays import Floats
from harness.stats.design import Design
from harness.stats.equivalence import decide, equivalence
from harness.stats.tries import correct_over_tries
from harness.types import LIKERT_5

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
MARGINALS = (0.12, 0.18, 0.22, 0.26, 0.22)
"""Shares of the scores 1 to 5 of a middling model, as in many public judgements."""
INK, QUIET, BLUE, RED, BAND = "#1a1a1a", "#6b6b6b", "#0063a3", "#b2450e", "#e8eef4"
_FONT = "font-family='system-ui, Hiragino Sans, Noto Sans JP, Meiryo, IPAPGothic, sans-serif'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One interval with its middle, what it is called and what stands after it."""

    name: str
    low: float
    middle: float
    high: float
    note: str = ""
    colour: str = BLUE


def text(x: float, y: float, words: str, *, colour: str = INK, anchor: str = "start", size: float = 14) -> str:
    """Return words at a place."""
    halo = "paint-order='stroke' stroke='#ffffff' stroke-width='3'"  # over a line it stays readable
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size:g}'"
    return f"<text {place} fill='{colour}' {halo}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, *, colour: str = QUIET, width: float = 1.0, dash: str = "") -> str:
    """Return a line."""
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    ends = f"x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}'"
    return f"<line {ends} stroke='{colour}' stroke-width='{width:g}'{dashes}/>"


def picture(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """Return a whole picture on white, so that it can be read on a dark page too."""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' role='img' {_FONT}>\n"
        f"<title>{escape(title)}</title>\n<rect width='{width:g}' height='{height:g}' fill='#ffffff'/>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def intervals(
    title: str, bars: Sequence[Bar], ticks: Sequence[float], *, zero: float | None = None, margin: float = 0.0
) -> str:
    """Return intervals under each other: names above them, an axis below; a band of ±margin around ``zero``."""
    left, right, row, top = 20.0, 620.0, 46.0, 46.0
    low, high = min(ticks), max(ticks)
    bottom = top + row * len(bars)

    def at(value: float) -> float:
        return left + (min(max(value, low), high) - low) / (high - low) * (right - left)

    parts = [text(left, 26, title, size=16)]
    if zero is not None and margin:
        parts.append(
            f"<rect x='{at(zero - margin):.1f}' y='{top:.1f}' width='{at(zero + margin) - at(zero - margin):.1f}' "
            f"height='{bottom - top:.1f}' fill='{BAND}'/>"
        )
    if zero is not None:
        parts.append(line(at(zero), top, at(zero), bottom, colour=INK, dash="4 3"))
    for place, bar in enumerate(bars):
        y = top + row * place + 34
        parts += [
            text(left, y - 14, bar.name, size=13),
            text(right, y - 14, bar.note, size=13, anchor="end", colour=bar.colour),
            line(at(bar.low), y, at(bar.high), y, colour=bar.colour, width=4),
            f"<circle cx='{at(bar.middle):.1f}' cy='{y:.1f}' r='5.5' fill='{bar.colour}'/>",
        ]
    parts.append(line(left, bottom + 8, right, bottom + 8))
    parts += [text(at(tick), bottom + 26, f"{tick:g}", anchor="middle", size=12, colour=QUIET) for tick in ticks]
    return picture(640, bottom + 36, title, parts)


def middling(n: int) -> Floats:
    """Return n scores with the shares of `MARGINALS`."""
    return np.repeat(np.arange(1.0, 6.0), np.diff(np.round(np.cumsum((0.0, *MARGINALS)) * n).astype(int)))


def correlated(n: int, models: int, *, seed: int, shared: float = 0.6) -> Floats:
    """Return scores of equal models on the same n tasks, (models, n): hard tasks are hard for all of them."""
    rng = np.random.default_rng(seed)
    latent = sqrt(shared) * rng.standard_normal(n) + sqrt(1 - shared) * rng.standard_normal((models, n))
    return 1.0 + np.digitize(latent, ndtri(np.cumsum(MARGINALS)[:-1]))


Say = Callable[[str, str], str]


def more_tasks(say: Say) -> str:
    """The same model, asked more tasks: the interval of its mean."""
    bars = []
    for n in (10, 30, 100, 500):
        e = mean_interval(middling(n), LIKERT_5)
        assert e.value is not None and e.low is not None and e.high is not None  # noqa: PT018
        name = say(f"{n} tasks", f"{n}問")
        bars.append(Bar(name=name, low=e.low, middle=e.value, high=e.high, note=f"{e.low:.2f} – {e.high:.2f}"))
    title = say("The mean of one and the same model, with its interval", "同じモデルの平均点と、その区間")
    return intervals(title, bars, (1, 2, 3, 4, 5))


def pair(seed: int = 5) -> tuple[Floats, Floats]:
    """Return scores of two models on 100 tasks, the second better by about 0.3."""
    base, new = correlated(100, 2, seed=seed, shared=0.7)
    return base, np.minimum(new + (np.random.default_rng(seed).random(100) < 0.4), 5)


def paired(say: Say) -> str:
    """The same scores, compared as two averages, and task by task."""
    base, new = pair()
    result = paired_comparison(new, base, LIKERT_5)
    d, ends = float(new.mean() - base.mean()), [mean_interval(scores) for scores in (base, new)]
    half = sqrt(sum((e.high - e.value) ** 2 for e in ends if e.high is not None and e.value is not None))
    assert result.difference.low is not None and result.difference.high is not None  # noqa: PT018
    apart = Bar(
        name=say("two averages, as if of different tasks", "平均どうしの比較（別々の問題とみなす）"),
        low=d - half, middle=d, high=d + half, note=f"{d - half:+.2f} … {d + half:+.2f}", colour=RED,
    )  # fmt: skip
    together = Bar(
        name=say("task by task", "問題ごとの比較"),
        low=result.difference.low, middle=d, high=result.difference.high,
        note=f"{result.difference.low:+.2f} … {result.difference.high:+.2f}",
    )  # fmt: skip
    title = say("The difference of the same two models on 100 tasks", "同じ2モデル、同じ100問の差")
    return intervals(title, [apart, together], (-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8), zero=0)


def decisions(say: Say) -> str:
    """What an interval says against zero and against the margin."""
    words = {
        "better": say("better", "良い"), "worse": say("worse", "悪い"), "equal": say("equal", "同等"),
        "no_worse": say("no worse", "悪くはない"), "undecided": say("undecided", "決められない"),
    }  # fmt: skip
    bars = []
    for difference, se in ((0.45, 0.12), (0.12, 0.15), (0.02, 0.11), (0.15, 0.35), (-0.5, 0.15)):
        shown = equivalence(difference, se, 99, margin=0.3)
        p = 2 * equivalence(abs(difference), se, 99, margin=1e-9).p_above
        code = decide(difference, min(p, 1.0), shown)
        colour = QUIET if code == "undecided" else RED if code == "worse" else BLUE
        bars.append(
            Bar(
                name=f"{difference:+.2f} ± {1.984 * se:.2f}",
                low=difference - 1.984 * se,
                middle=difference,
                high=difference + 1.984 * se,
                note=words[code],
                colour=colour,
            )
        )
    title = say(
        "Five differences, and what may be said of them (band: ±0.3 counts as none)",
        "5つの差と、そこから言えること（帯は±0.3点、差とみなさない幅）",
    )
    return intervals(title, bars, (-1, -0.5, 0, 0.5, 1), zero=0, margin=0.3)


def thirty_tries(say: Say) -> str:
    """Thirty tries that change nothing: the best of them, alone and corrected over all."""
    searches = [_best_of_thirty(seed) for seed in range(200)]
    fooled = [seed for seed, (_, _, low, _) in enumerate(searches) if low > 0]
    differences, best, *alone = searches[fooled[0]]
    over_all = correct_over_tries(differences, Design(draws=1999))
    values = sorted(differences.mean(axis=1))
    left, right, top = 20.0, 620.0, 56.0
    at = lambda value: left + (value + 0.8) / 1.6 * (right - left)  # noqa: E731 - a scale, used below only
    title = say(
        "30 tries on the same 100 tasks, none of which changes anything",
        "同じ100問で30回試す。どれも本当は何も変わらない",
    )
    count = say(
        f"In {len(fooled)} of 200 such searches the best one, taken alone, seems better.",
        f"このような探索200回のうち{len(fooled)}回で、最良の1つだけを見ると「良くなった」ように見えます。",
    )
    parts = [text(left, 26, title, size=16), line(at(0), 40, at(0), 190, colour=INK, dash="4 3")]
    for place, value in enumerate(values):
        colour = RED if place == len(values) - 1 else QUIET
        parts.append(f"<circle cx='{at(value):.1f}' cy='{top + 8 * (place % 5):.1f}' r='4' fill='{colour}'/>")
    low, high = float(over_all.low[best]), float(over_all.high[best])
    for y, name, ends, colour in (
        (136.0, say("the best one, alone", "いちばん良い1つだけを見た区間"), tuple(alone), RED),
        (182.0, say("the best one, as one of 30", "30回のうちの1つとして見た区間"), (low, high), BLUE),
    ):
        note = f"{ends[0]:+.2f} … {ends[1]:+.2f}"
        parts += [text(left, y - 14, name, size=13), text(right, y - 14, note, size=13, anchor="end", colour=colour)]
        parts += [line(at(ends[0]), y, at(ends[1]), y, colour=colour, width=4)]
        parts.append(f"<circle cx='{at(values[-1]):.1f}' cy='{y:.1f}' r='5.5' fill='{colour}'/>")
    parts.append(line(left, 204, right, 204))
    ticks = (-0.8, -0.4, 0, 0.4, 0.8)
    parts += [text(at(t), 222, f"{t:g}", anchor="middle", size=12, colour=QUIET) for t in ticks]
    parts.append(text(left, 250, count, size=13))
    return picture(640, 264, title, parts)


@cache
def _best_of_thirty(seed: int) -> tuple[Floats, int, float, float]:
    """Return the differences of 30 equal tries, which is best, and its interval alone."""
    scores = correlated(100, 31, seed=seed)
    differences = scores[1:] - scores[0]
    best = int(np.argmax(differences.mean(axis=1)))
    alone = mean_interval(differences[best])  # the paired t interval
    return differences, best, alone.low or 0.0, alone.high or 0.0


def sealed_half(say: Say) -> str:
    """The best of thirty equal tries, picked on 50 open tasks: what it gains there, and on 50 sealed ones."""
    opened, sealed = [], []
    for seed in range(200):
        scores = correlated(100, 31, seed=1000 + seed)
        differences = scores[1:] - scores[0]
        best = int(np.argmax(differences[:, :50].mean(axis=1)))
        opened.append(differences[best, :50].mean())
        sealed.append(differences[best, 50:].mean())
    title = say(
        "The best of 30 equal tries: its gain, on average over 200 such searches",
        "実は同じ30個から選んだ最良の1つ：見かけの伸び（200回の平均）",
    )
    bars = []
    for name, values, colour in (
        (say("on the open tasks it was picked on", "選ぶのに使った問題で"), opened, RED),
        (say("on the sealed tasks", "封印しておいた問題で"), sealed, BLUE),
    ):
        e = mean_interval(values)
        assert e.value is not None and e.low is not None and e.high is not None  # noqa: PT018
        bars.append(Bar(name=name, low=e.low, middle=e.value, high=e.high, note=f"{e.value:+.2f}", colour=colour))
    return intervals(title, bars, (-0.2, 0, 0.2, 0.4, 0.6), zero=0)


def detectable(say: Say) -> str:
    """The smallest difference that so many tasks find, in eight boards of ten."""
    left, right, top, bottom = 60.0, 620.0, 46.0, 250.0
    tasks = [10, 20, 30, 50, 100, 200, 500, 1000]
    effects = [minimum_detectable_effect(1.25, n) or 0.0 for n in tasks]
    x = lambda n: left + (log10(n) - 1) / 2 * (right - left)  # noqa: E731 - a scale, used below only
    y = lambda value: bottom - value / 1.4 * (bottom - top)  # noqa: E731 - likewise
    title = say(
        "Smallest difference that is found, by number of tasks (1–5 scale)", "問題数と、見つけられる最小の差（1〜5点）"
    )
    parts = [text(20, 26, title, size=16)]
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2):
        parts += [line(left, y(tick), right, y(tick), colour="#dddddd")]
        parts += [text(left - 8, y(tick) + 4, f"{tick:g}", anchor="end", size=12, colour=QUIET)]
    points = " ".join(f"{x(n):.1f},{y(effect):.1f}" for n, effect in zip(tasks, effects, strict=True))
    parts.append(f"<polyline points='{points}' fill='none' stroke='{BLUE}' stroke-width='3'/>")
    for n, effect in zip(tasks, effects, strict=True):
        parts.append(f"<circle cx='{x(n):.1f}' cy='{y(effect):.1f}' r='4.5' fill='{BLUE}'/>")
        parts.append(text(x(n), y(effect) - 10, f"{effect:.2f}", anchor="middle", size=12))
        parts.append(text(x(n), bottom + 20, say(f"{n}", f"{n}問"), anchor="middle", size=12, colour=QUIET))
    return picture(640, 282, title, parts)


DRAWN = {
    "more-tasks": more_tasks, "paired": paired, "decisions": decisions, "thirty-tries": thirty_tries,
    "sealed-half": sealed_half, "detectable": detectable,
}  # fmt: skip


def _english(en: str, _ja: str) -> str:
    return en


def _japanese(_en: str, ja: str) -> str:
    return ja


def drawn() -> dict[str, str]:
    """Return every picture by its file's name, in both languages."""
    return {
        f"{name}.{language}.svg": draw(_english if language == "en" else _japanese)
        for name, draw in DRAWN.items()
        for language in ("en", "ja")
    }


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture_text in drawn().items():
        (FOLDER / name).write_text(picture_text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
