"""No speed: what is printed against what is true, one line of JSON for each claim.

    python bench/error_rates.py [NAME …]        # names: the keys of CLAIMS; all without any

Simulated scores are those of `tests/stats/scenarios.py`; real ones are read from ../shared/data, and left out where
that is absent. Run from the repository root with PYTHONPATH=. ; figures with their bars stand in README.md.
"""

import csv
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from bench.verdict_words import Figures, ab_pages, paired_p, share, words
from harness.analysis.panel import panel_family, panel_table
from harness.engine.halving import dropped
from harness.engine.plan import PlannedPanel
from harness.stats import (
    Design,
    anchored_mean,
    compare_family,
    compare_pairs,
    holm,
    paired_comparison,
    score_interval,
    worst_case_mean,
)
from harness.stats.arrays import score_array, t_critical, tail_probability
from harness.stats.correlation import length_slope
from harness.stats.jackknife import jackknife_kappa
from harness.stats.pairs import pair_intervals, pair_moments
from harness.stats.pooling import pool_pairs
from harness.stats.power import detectable_gap
from harness.stats.replication import same_sign
from harness.stats.sequential import boundary, sequential_p
from harness.stats.signflip import score_grid
from harness.stats.tries import correct_over_tries
from harness.types import LIKERT_5
from tests.analysis.tables import table
from tests.stats import scenarios

SHABERI = Path(__file__).parents[2] / "shared" / "data" / "shaberi" / "scores.csv"
_FEW = (2, 8, 20, 60)


def real_scores() -> np.ndarray:
    """Return scores (judges, models, 100 tasks), NaN for none."""
    with SHABERI.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    judges, models = (sorted({row[name] for row in rows}) for name in ("judge", "model"))
    scores = np.full((len(judges), len(models), 100), np.nan)
    for row in rows:
        score = float(row["score"] or "nan")
        if 1 <= score <= 5:
            scores[judges.index(row["judge"]), models.index(row["model"]), int(row["task_id"])] = score
    return scores


def clusters_of_unlike_sizes() -> Figures:
    """Coverage of CR2 intervals of a mean and of a difference; bar .935."""
    rng = np.random.default_rng(1)
    for sizes, part in ((sizes, part) for sizes in ([40, *[5] * 12], [30, 30, *[4] * 10]) for part in (0.1, 0.4, 0.5)):
        names = np.repeat(np.arange(len(sizes)), sizes)
        shared = rng.normal(size=(4000, 2, len(sizes)))[:, :, names]
        own = np.sqrt(part) * shared + np.sqrt(1 - part) * rng.normal(size=(4000, 2, len(names)))
        scores = np.clip(np.rint(3 + own), 1, 5)
        truth, design = 3.0, Design(clusters=names.tolist())
        means = [score_interval(board[0], LIKERT_5, design).estimate for board in scores[:2000]]
        moments = pair_moments(scores.reshape(-1, len(names)), np.arange(8000).reshape(-1, 2), None, names)
        low, high = pair_intervals(moments, 0.05, 4.0)
        what = f"{sizes[:2]} of {len(sizes)} clusters, {part:.0%} of the spread is the cluster's"
        yield f"{what}: difference", share((low <= 0) & (high >= 0))
        yield f"{what}: mean", share([one.low <= truth <= one.high for one in means])


def power_at_the_printed_gap() -> Figures:
    """How often a true difference of the printed size is "better" under Holm, by models and by clusters; .78-.84."""
    for models, count, size in [*((m, 100, 1) for m in _FEW), *(
        (m, g, 5) for m, g in ((2, 5), (4, 6), (2, 8), (8, 10), (20, 12), (8, 20), (2, 40))
    )]:  # fmt: skip
        rng, boards = np.random.default_rng(100 * models + count), 4000 if models < 20 else 2000
        alike = 0.5 if size > 1 else 0.0
        se = np.sqrt(2 * (9 * (alike + (1 - alike) / size) + 1 / 12 / size) / count)
        gap = detectable_gap(float(se), count - 1, count, n_comparisons=models - 1)
        luck = rng.normal(size=(boards, models, count)).repeat(size, axis=2)
        noise = np.sqrt(alike) * luck + np.sqrt(1 - alike) * rng.normal(size=(boards, models, count * size))
        scores = 20 + 3.0 * noise
        scores[:, 1] += gap or 0.0
        codes = None if size == 1 else np.repeat(np.arange(count), size)
        p_values = paired_p(np.clip(np.rint(scores), 0, 40), codes)
        found = share([holm(row)[0] <= 0.05 for row in p_values])
        yield f"{models} models, {count} {'tasks' if size == 1 else 'clusters of five'}, {boards} boards", found


def whole_boards() -> Figures:
    """Some difference of equal models is said: by Holm, and by the simultaneous interval that is printed; .05.

    The same of a page with 1, 2 or 4 judges: only the primary board's count.
    """
    for models in (8, 20, 60):
        boards = 2000 if models < 60 else 800
        scores = scenarios.equal_models(scenarios.MID, 0.6, (boards, models, 100), seed=models)
        p_values = paired_p(scores)
        flat = scores.reshape(-1, 100)
        pairs = np.array([(b * models + m, b * models) for b in range(boards) for m in range(1, models)])
        moments = pair_moments(flat, pairs, score_grid(flat, 1.0))
        low, high = pair_intervals(moments, tail_probability(0.95, models - 1), 4.0)
        out = ((low > 0) | (high < 0)).reshape(boards, -1).any(axis=1)
        yield f"{models} models, some p (Holm) <= .05", share([(holm(row) <= 0.05).any() for row in p_values])
        yield f"{models} models, some simultaneous interval without 0", share(out)


def kappa() -> Figures:
    """Coverage of the interval of quadratic kappa, independent answers; .935."""
    for name, marginal in (("middle", scenarios.MID), ("near the end", scenarios.CEILING)):
        a, b = scenarios.scenario(marginal, marginal, 0.6, n=400_000).draw(1, seed=1)
        truth = jackknife_kappa(a[0], b[0]).value or 0.0
        for n in (20, 30, 60, 100, 200):
            drawn = zip(*scenarios.scenario(marginal, marginal, 0.6, n=n).draw(4000, seed=2), strict=True)
            found = [jackknife_kappa(*pair) for pair in drawn]
            yield (
                f"{name}, {n} answers",
                share([one.low is not None and one.low <= truth <= (one.high or 1) for one in found]),
            )


def slope() -> Figures:
    """Coverage of the slope on length, two answers to each task; .935."""
    rng = np.random.default_rng(3)
    for tasks in (20, 40):
        held = []
        for _ in range(2000):
            logs = rng.normal(size=(2, tasks)) * rng.gamma(2, 0.5, tasks)
            scores = 0.3 * logs + rng.normal(size=(2, tasks))
            found = length_slope(scores[..., None], 2.0 ** (8 + logs)[..., None])
            held.append(found.low is not None and found.low <= 0.3 <= (found.high or 0))
        yield f"2 models x {tasks} tasks", share(held)


def informative_missing() -> Figures:
    """10 % of all missing among the candidate's 1-3s: bounds hold the truth (.95), a caution every time (1)."""
    case, rng = scenarios.scenario(scenarios.MID, scenarios.MID, 0.6), np.random.default_rng(12)
    candidates, baselines = case.draw(4000, seed=11)
    low = candidates <= 3
    candidates = np.where(low & (rng.random(candidates.shape) < 0.1 / low.mean()), np.nan, candidates)
    found = compare_pairs(
        np.vstack([candidates, baselines]), [(i, i + 4000) for i in range(4000)], LIKERT_5
    ).comparisons
    level = float((scenarios.LEVELS[:, None] * case.table).sum())
    means = [worst_case_mean(row, LIKERT_5) for row in candidates[:2000]]
    yield "difference, bounds", share([(one.missing.low or 0) <= 0 <= (one.missing.high or 0) for one in found])
    yield (
        "difference, plain interval",
        share([(one.difference.low or 0) <= 0 <= (one.difference.high or 0) for one in found]),
    )
    yield "mean, bounds", share([(one.low or 0) <= level <= (one.high or 0) for one in means])
    yield "cautions", share([one.missing.caution is not None for one in found])


def worth_in_labels() -> Figures:
    """What 30 and 50 labels are said to be worth, over what they are (variance over variance), new tasks; 0.9-1.1."""
    for n_labels in (30, 50):
        rows = [scenarios.rated(seed, n_labels) for seed in range(3000)]
        found = [anchored_mean(human, judge, LIKERT_5) for human, judge in rows]
        anchored = np.var([one.population.value for one in found])
        alone = np.var([np.nanmean(human) for human, _ in rows])
        said = np.median([one.effective_labels or np.nan for one in found])
        yield f"{n_labels} labels", round(float(said / (n_labels * alone / anchored)), 3)


def grown_limit() -> Figures:
    """Some look at equal models says a difference, each look corrected for those before; .055."""
    for name, sizes in (("50, 100", (50, 100)), ("every 20", range(20, 101, 20)), ("every 10", range(10, 101, 10))):
        shares = [size / 100 for size in sizes]
        a, b = scenarios.NULL["S1 mid"]().draw(6000, seed=5)
        at = np.array([paired_p(np.stack([b[:, :size], a[:, :size]], axis=1))[:, 0] for size in sizes])
        z = -ndtri(np.maximum(at, 1e-300) / 2) * np.sqrt(shares)[:, None]
        wrong = (z >= boundary(tuple(shares), 0.95)).any(axis=0)
        yield f"looks at {name}", share(wrong)
        yield f"looks at {name}, uncorrected", share((at <= 0.05).any(axis=0))


def looks() -> Figures:
    """--looks 4: equal models called different (.055); power of +0.30 less than one look's (.02)."""
    shares = np.array([0.25, 0.5, 0.75, 1.0])

    def crossed(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.array([paired_p(np.stack([b[:, :n], a[:, :n]], axis=1))[:, 0] for n in (25, 50, 75, 100)])
        z = -ndtri(np.maximum(at, 1e-300) / 2) * np.sqrt(shares)[:, None]
        return (z >= boundary(tuple(shares), 0.95)).any(axis=0), at[-1] <= 0.05

    for name in ("S1 mid", "S2 ceiling", "S3 unlike marginals, equal means"):
        yield f"alpha, {name}", share(crossed(*scenarios.NULL[name]().draw(6000, seed=11))[0])
    found, single = crossed(*scenarios.shifted().draw(6000, seed=12))
    yield "power less than of one look", round(share(single) - share(found), 3)


def panel_looks() -> Figures:
    """A panel with four looks, standardised at each look over what was known then: alpha beside that of one look."""
    rng, shares = np.random.default_rng(8), (0.25, 0.5, 0.75, 1.0)
    for judges in (2, 3, 4):
        decided, single = [], []
        for _ in range(600):
            level = rng.normal(size=(1, 1, 100))
            own = 0.8 * level + 0.8 * rng.normal(size=(1, 2, 100))
            scores = np.clip(np.rint(3 + own + 0.6 * rng.normal(size=(judges, 2, 100))), 1, 5)
            p_values = []
            for n in (25, 50, 75, 100):
                parts = [table(one[:, :n], name=f"j{place}") for place, one in enumerate(scores)]
                found = panel_table(PlannedPanel(name="panel:p", members=tuple(f"j{i}" for i in range(judges))), parts)
                family = compare_family(found.scores, found.judge.scale, Design(draws=99), ends=found.ends)
                p_values.append(panel_family(found, family)[0].comparisons[0].p_value or 1.0)
            decided.append(any(sequential_p(p_values[: k + 1], shares) <= 0.05 for k in range(4)))
            single.append(p_values[-1] <= 0.05)
        yield f"{judges} judges, four looks", share(decided)
        yield f"{judges} judges, one look", share(single)


def halving() -> Figures:
    """Of 60 real models 20 at a time: share of calls saved (.45) and regret beyond that of all calls (.005)."""
    rng, saved, regret = np.random.default_rng(5), [], []
    for rows in real_scores():
        scores = np.where(np.isnan(rows), np.nanmean(rows), rows)
        for _ in range(500):
            models = rng.permutation(len(scores))[:21]
            truth, drawn = scores[models].mean(axis=1), scores[models][:, rng.integers(0, 100, 100)]
            alive, asked, before, means = set(range(1, 21)), 0, 0, np.empty(0)
            for until in (25, 50, 100):
                asked, before = asked + (len(alive) + 1) * (until - before), until
                means = drawn[:, :until].mean(axis=1)
                alive -= dropped({one: float(means[one] - means[0]) for one in alive}) if until < 100 else set()
            best = max(alive, key=lambda one: means[one])
            saved.append(1 - asked / 2100)
            regret.append(truth[1 + int(np.argmax(means[1:]))] - truth[best])
    yield "calls saved", round(float(np.mean(saved)), 3)
    yield "regret beyond all calls'", round(float(np.mean(regret)), 4)


def left_out_judge() -> Figures:
    """Each real judge's difference inside the prediction of the other three, all pairs of 60 models; .93."""
    scores = real_scores()
    scores = np.where(np.isnan(scores).any(axis=0), np.nan, scores)
    scores = np.stack([(one - np.nanmean(one)) / np.nanstd(one) for one in scores])
    pairs = list(combinations(range(scores.shape[1]), 2))
    for out in range(4):
        low, high = pool_pairs(np.delete(scores, out, axis=0), pairs).next_judge(0.95)
        alone = np.array([np.nanmean(scores[out, a] - scores[out, b]) for a, b in pairs])
        yield f"judge {out + 1} left out", share((low <= alone) & (alone <= high))


def sign() -> Figures:
    """The said chance of the same sign less the share that kept it, by said chance, on halves of real boards; .03."""
    rng, said, kept = np.random.default_rng(0), [], []
    for rows in real_scores():
        whole = rows[~np.isnan(rows).any(axis=1)]
        for _ in range(6000):
            (i, k), order = rng.choice(len(whole), 2, replace=False), rng.permutation(100)
            first, second = np.split((whole[i] - whole[k])[order], 2)
            if first.mean() and first.std():
                said.append(same_sign(float(first.mean()), float(first.std(ddof=1)) / 50**0.5, 49))
                kept.append(0.5 if second.mean() == 0 else float((second.mean() > 0) == (first.mean() > 0)))
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)):
        here = (np.array(said) >= low) & (np.array(said) < high)
        yield (
            f"said {low} to {min(high, 1.0)}",
            round(float(np.mean(np.array(said)[here]) - np.mean(np.array(kept)[here])), 3),
        )


def seal() -> Figures:
    """Thirty steps, each built on the best before, no true gain: "better" on the sealed half, and in the open one."""
    rng, wrong, climbed = np.random.default_rng(30), [], []
    cuts = ndtri(np.cumsum(scenarios.MID)[:-1])
    for place in range(2000):
        best = rng.normal(size=200)
        base = top = 1.0 + np.searchsorted(cuts, best)
        tried = []
        for _ in range(30):
            new = np.sqrt(0.85) * best + np.sqrt(0.15) * rng.normal(size=200)
            scores = 1.0 + np.searchsorted(cuts, new)
            tried.append((scores - base)[:100])
            if scores[:100].mean() > top[:100].mean():
                best, top = new, scores
        claim = paired_comparison(top[100:], base[100:], LIKERT_5)
        wrong.append((claim.p_value or 1) <= 0.05 and (claim.difference.value or 0) > 0)
        if place < 400:
            found = correct_over_tries(tried, Design(draws=499, seed=place))
            climbed.append(((found.p_values <= 0.05) & (found.differences > 0)).any())
    yield "sealed half", share(wrong)
    yield "open half, corrected over all thirty", share(climbed)


def speed() -> Figures:
    """Seconds: a ledger of 1,000 tries x 100 tasks (2), 1,225 pairs x 100,000 tasks (0.5)."""
    rng = np.random.default_rng(0)
    tries = rng.choice([-1.0, 0, 1], (1000, 100))
    scores = score_array(rng.integers(1, 6, (50, 100_000)), ndim=2)
    pairs = np.array(list(combinations(range(50), 2)))

    def best(action: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        return round(min(times), 2)

    def board() -> object:
        moments = pair_moments(scores, pairs, score_grid(scores, 1.0))
        return t_critical(moments.df, 0.05) * moments.se

    yield "1,000 tries", best(lambda: correct_over_tries(tries))
    yield "1,225 pairs", best(board)


CLAIMS: dict[str, Callable[[], Figures]] = {
    one.__name__: one
    for one in (
        clusters_of_unlike_sizes, power_at_the_printed_gap, whole_boards, kappa, slope, informative_missing,
        worth_in_labels, grown_limit, looks, panel_looks, halving, left_out_judge, words, sign, ab_pages, seal, speed,
    )
}  # fmt: skip
_REAL = {"halving", "left_out_judge", "sign"}


def main(names: list[str]) -> None:
    """Print the figures of the claims named, or of all."""
    for name in names or CLAIMS:
        if name in _REAL and not SHABERI.is_file():
            continue
        start = time.perf_counter()
        for what, figure in CLAIMS[name]():
            said = {"date": datetime.now(UTC).date().isoformat(), "claim": name, "what": what, "figure": figure}
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
        sys.stdout.write(
            json.dumps({"claim": name, "seconds": round(time.perf_counter() - start), "cpus": os.cpu_count()}) + "\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
