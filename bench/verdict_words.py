"""How often a word of a board or of an A/B page is false: two of the claims of `error_rates.py`, which runs them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.analysis.prompt_choice import choose
from harness.stats import holm
from harness.stats.arrays import t_critical, tail_probability
from harness.stats.pairs import pair_flips, pair_moments
from harness.stats.signflip import score_grid
from tests.analysis.test_prompt_test import claims, pages

Figures = Iterator[tuple[str, Any]]


def share(flags: object) -> float:
    return round(float(np.mean(np.asarray(flags, dtype=float))), 3)


def paired_p(scores: np.ndarray, clusters: np.ndarray | None = None) -> np.ndarray:
    """Return the p-values (boards, models - 1) of every model against the first; ``scores`` (boards, models, tasks)."""
    boards, models, tasks = scores.shape
    found = []
    for chunk in np.array_split(scores, max(1, boards * models // 4000)):
        flat = chunk.reshape(-1, tasks)
        pairs = np.array([(b * models + m, b * models) for b in range(len(chunk)) for m in range(1, models)])
        found.append(pair_flips(flat, pairs, score_grid(flat, 1.0), clusters).p_values.reshape(len(chunk), -1))
    return np.concatenate(found)


def _false_words(delta: np.ndarray, margin: float, noise: float, boards: int, rng: np.random.Generator) -> np.ndarray:
    """Return whether some difference, and some equality, is falsely said, shape (2, boards); true gains (m,)."""
    m = len(delta)
    scores = 20 + noise * rng.normal(size=(boards, m + 1, 100)) + np.r_[0, delta][:, None]
    scores = np.clip(np.rint(scores), 0, 40)
    shown = np.array([holm(row) <= 0.05 for row in paired_p(scores)])
    pairs = np.array([(b * (m + 1) + k, b * (m + 1)) for b in range(boards) for k in range(1, m + 1)])
    moments = pair_moments(scores.reshape(-1, 100), pairs, None)
    mean, se = (one.reshape(boards, m) for one in (moments.mean, moments.se))
    half = t_critical(99, 2 * tail_probability(0.95, m)) * se
    no_worse = ~shown & (mean - half >= -margin)
    equal = no_worse & (mean + half <= margin)
    differ = shown & np.where(mean > 0, delta <= 0, delta >= 0)
    alike = (no_worse & (delta <= -margin)) | (equal & (np.abs(delta) >= margin))
    return np.array([differ.any(axis=1), alike.any(axis=1)])


def words() -> Figures:
    """Some "better" or "worse" of a board is false (.05); some "equal" or "no worse" is (.05); either, without a bar.

    The two are promised apart. Where one model is equal and the others are so clearly worse by the margin that Holm
    finds them all, the difference of the one is tested at the whole error: nothing is left for any other word.
    """
    rng, margin = np.random.default_rng(6), 1.0
    for m in (1, 4, 12):
        truths = {
            "all at -margin": np.full(m, -margin),
            "all equal": np.zeros(m),
            "half equal, half at -margin": np.where(np.arange(m) % 2, -margin, 0.0),
            "one equal, the others at -margin": np.where(np.arange(m), -margin, 0.0),
        }
        one_sided, alone, joint = (float(t_critical(99, tail)) for tail in (
            2 * tail_probability(0.95, m), 0.05, tail_probability(0.95, m)
        ))  # fmt: skip
        # margins in standard errors: hardly wider than equality needs; and where what is worse is found as a rule
        for place, wide in (("narrow", one_sided + 0.5), ("wide", one_sided + (alone if m > 1 else joint))):
            for name, delta in truths.items():
                differ, alike = _false_words(delta, margin, margin / wide * 10 / 2**0.5, 4000 if m < 12 else 2000, rng)
                what = f"{m} comparisons, {place} margin, {name}"
                yield f"{what}: difference, equality, either", [share(differ), share(alike), share(differ | alike)]


def ab_pages() -> Figures:
    """Some claim of a whole A/B page without any effect (.05); the gain of the best of ten equal prompts (0)."""
    for models, prompts in ((2, 2), (3, 3)):
        found = [claims(page) for page in pages((0.0,) * models, 1500, seed=models, prompts=prompts)]
        wrong = [headline or bool(on) or unlike for headline, on, unlike in found]
        yield f"{models} models, {prompts} prompts: some claim", share(wrong)
    rng, naive, honest = np.random.default_rng(3), [], []
    for _ in range(2000):
        level = rng.normal(size=100)
        scores = np.clip(np.rint(3 + 0.9 * level + rng.normal(size=(10, 100)) * 0.8), 1, 5)
        best = choose([str(i) for i in range(10)], scores, [], control="0")
        naive.append(best.gain or 0.0 if best else 0.0)
        honest.append(best.cross_fitted or 0.0 if best else 0.0)
    yield "gain of the best of ten prompts as it looks", round(float(np.mean(naive)), 3)
    yield "the same, cross-fitted", round(float(np.mean(honest)), 3)
