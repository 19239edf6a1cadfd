"""Many tries on one task set: corrected over all of them, and gains without winner's curse."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri
from statsmodels.stats.meta_analysis import combine_effects

from harness.errors import StatisticsError
from harness.stats.design import Design
from harness.stats.multiplicity import holm
from harness.stats.paired import paired_comparison
from harness.stats.tries import DRAWS, correct_over_tries, paule_mandel, shrink_gains
from tests.stats import scenarios

LATENT = 0.85  # adapters of one base are alike


def brute_force(table: np.ndarray) -> list[float]:
    """Return step-down max-T p-values over all sign patterns of few tasks."""
    size = np.sqrt((table**2).sum(axis=1))
    observed = np.abs(table.sum(axis=1)) / size
    patterns = np.array(list(itertools.product([-1, 1], repeat=table.shape[1])))
    flipped = np.abs(patterns @ table.T) / size
    order = np.argsort(-observed, kind="stable")
    p_values = np.empty(len(table))
    largest = 0.0
    for place, row in enumerate(order):
        share = (flipped[:, order[place:]].max(axis=1) >= observed[row] - 1e-9).mean()
        largest = p_values[row] = max(largest, share)
    return p_values.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_as_counting_all_sign_patterns(seed: int) -> None:
    """Ten tasks, four tries: 1,024 patterns against drawn ones, within Monte Carlo error."""
    rng = np.random.default_rng(seed)
    table = rng.choice([-2.0, -1, 0, 1, 2, 3], (4, 10))
    corrected = correct_over_tries(table, Design(draws=40_000))
    assert brute_force(table) == pytest.approx(corrected.p_values.tolist(), abs=0.012)


def test_one_try_is_the_sign_flip_test() -> None:
    """Alone it has scipy's permutation p-value of paired samples."""
    rng = np.random.default_rng(5)
    differences = rng.choice([-1.0, 0, 1, 2], 40)
    theirs = stats.permutation_test(
        (differences, np.zeros(40)), lambda a, b: (a - b).mean(), permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert theirs == pytest.approx(correct_over_tries([differences], Design(draws=20_000)).p_values[0], abs=0.012)


def test_order_and_company() -> None:
    """Permuting the tries permutes the p-values; a copy of a try costs nothing; a try more never lowers a p-value."""
    rng = np.random.default_rng(6)
    table = rng.choice([-1.0, 0, 1], (5, 60)) + np.array([[0.4], [0.1], [0], [0], [0.2]])
    p_values = correct_over_tries(table).p_values
    assert p_values[::-1].tolist() == correct_over_tries(table[::-1]).p_values.tolist()
    doubled = correct_over_tries(np.vstack([table, table[:1]])).p_values
    assert doubled[:5].tolist() == p_values.tolist()
    more = correct_over_tries(np.vstack([table, rng.choice([-1.0, 0, 1], (20, 60))])).p_values
    assert (more[:5] >= p_values).all()


def test_missing_and_empty() -> None:
    """A try without scores has no p-value, one without differences has 1, and no tries make no trouble."""
    corrected = correct_over_tries([[np.nan] * 4, [0.0] * 4, [1.0, 1, np.nan, 1]])
    assert np.isnan(corrected.p_values[0])
    assert 1 == corrected.p_values[1]
    assert [1.0] == corrected.differences[2:].tolist()
    assert 0 == correct_over_tries(np.empty((0, 5))).p_values.size
    assert [1.0] == correct_over_tries([[0.0, 0.0]]).p_values.tolist()


def test_intervals_are_the_t_interval_for_one_try() -> None:
    """The critical value of a single try is near Student's t."""
    differences = np.random.default_rng(7).normal(0.2, 1, (1, 100))
    corrected = correct_over_tries(differences)
    assert stats.t.ppf(0.975, 99) == pytest.approx(corrected.critical[0], abs=0.06)
    se = differences.std(ddof=1) / 10
    assert corrected.high[0] - corrected.low[0] == pytest.approx(2 * corrected.critical[0] * se, rel=1e-9)


def test_a_try_on_few_tasks_widens_no_other() -> None:
    """Its own interval is wider by Student's t for its few tasks; that of a try on all tasks hardly moves."""
    rng = np.random.default_rng(12)
    table = rng.normal(0, 1, (6, 100))
    alone = correct_over_tries(table[:5])
    table[5, 12:] = np.nan
    beside = correct_over_tries(table)
    assert (beside.critical[:5] < 1.05 * alone.critical).all()
    assert beside.critical[5] > 1.15 * beside.critical[0]
    table[5, 3:] = np.nan
    assert np.isinf(correct_over_tries(table).high[5])


def test_ties_at_the_mean_are_tasks_too() -> None:
    """Eighty tasks without a difference, and a mean of exactly 0: still a hundred tasks, as Student's t has it."""
    differences = np.array([[1.0, -1.0] * 10 + [0.0] * 80])
    corrected = correct_over_tries(differences)
    half = stats.t.ppf(0.975, 99) * differences.std(ddof=1) / 10
    assert half == pytest.approx(corrected.high[0], rel=0.1)


def test_clusters_are_flipped_whole() -> None:
    """Ten families whose members say the same: as ten tasks."""
    rng = np.random.default_rng(8)
    families = rng.choice([-1.0, 0, 1, 2], (3, 10))
    names = np.repeat(np.arange(10), 5).tolist()
    whole = correct_over_tries(np.repeat(families, 5, axis=1), Design(clusters=names, draws=DRAWS))
    assert correct_over_tries(families).p_values.tolist() == whole.p_values.tolist()


def test_a_thousand_tries_fit() -> None:
    """Nothing grows with tries times patterns."""
    rng = np.random.default_rng(9)
    corrected = correct_over_tries(rng.choice([-1.0, 0, 1], (1000, 100)), Design(draws=999))
    assert (1000,) == corrected.p_values.shape
    assert (corrected.p_values > 0).all()


def tries(replicates: int, n_tries: int, seed: int, gain: float = 0.0) -> np.ndarray:
    """Return differences to the base (replicates, tries, 100) of adapters on the same tasks; the first gains."""
    scores = scenarios.equal_models(scenarios.MID, LATENT, (replicates, n_tries + 1, 100), seed)
    differences = scores[:, 1:] - scores[:, :1]
    if gain:
        up = np.random.default_rng(seed + 1).random((replicates, 100)) < gain
        differences[:, 0] += up
    return differences


@pytest.mark.slow
def test_thirty_equal_adapters_are_rarely_called_better() -> None:
    """Some "better" or "worse" among thirty tries without an effect: at most 5 %; uncorrected, far more often."""
    boards = tries(300, 30, seed=10)
    p_values = np.array(
        [correct_over_tries(board, Design(draws=999, seed=place)).p_values for place, board in enumerate(boards)]
    )
    family_wise = (p_values <= 0.05).any(axis=1).mean()
    found = [correct_over_tries(board, Design(draws=499, seed=place)) for place, board in enumerate(boards[:150])]
    covered = [(one.low <= 0).all() and (one.high >= 0).all() for one in found]
    assert np.mean(covered) >= 0.95 - 0.035  # two standard errors of 150 boards
    assert family_wise <= 0.05 + 0.025  # two standard errors of 300 boards
    alone = [[stats.ttest_1samp(row, 0).pvalue for row in board] for board in boards[:100]]
    assert (np.array(alone) <= 0.05).any(axis=1).mean() > 0.3


@pytest.mark.slow
def test_power_for_one_true_gain_among_nulls() -> None:
    """+0.40 among 29 equal adapters: found in 80 %, more often than by Holm over the same tries."""
    boards = tries(150, 30, seed=20, gain=0.40)
    stepped = np.array([correct_over_tries(board, Design(draws=999)).p_values[0] for board in boards])
    held = np.array([holm([stats.ttest_1samp(row, 0).pvalue for row in board])[0] for board in boards])
    assert (stepped <= 0.05).mean() >= 0.80
    assert (stepped <= 0.05).mean() >= (held <= 0.05).mean()


def test_shrinking_undoes_the_winners_curse() -> None:
    """Of true gains drawn from a normal, the best of thirty is overstated raw and about right when shrunken."""
    rng = np.random.default_rng(11)
    raw, shrunken = [], []
    for _ in range(400):
        truth = rng.normal(0.1, 0.15, 30)
        seen = truth + rng.normal(0, 0.12, 30)
        best = int(seen.argmax())
        gains = shrink_gains(seen, [0.12] * 30)
        assert gains is not None
        raw.append(seen[best] - truth[best])
        shrunken.append(gains.gains[best] - truth[best])
    assert np.mean(raw) > 0.05
    assert abs(np.mean(shrunken)) < 0.02


def test_few_or_wrong_gains() -> None:
    """Two gains teach no spread; an error of zero is refused."""
    assert shrink_gains([0.1, 0.2], [0.1, 0.1]) is None
    with pytest.raises(StatisticsError, match="standard error"):
        shrink_gains([0.1, 0.2, 0.3], [0.1, 0.0, 0.1])


@pytest.mark.parametrize("seed", range(4))
def test_the_spread_between_gains_is_that_of_statsmodels(seed: int) -> None:
    """Paule & Mandel 1982."""
    rng = np.random.default_rng(seed)
    values, variances = rng.normal(0, 0.4, 12), rng.uniform(0.01, 0.09, 12)
    theirs = combine_effects(values, variances, method_re="iterated").tau2
    assert max(0.0, theirs) == pytest.approx(paule_mandel(values, variances), abs=1e-5)


def climb(replicates: int, steps: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scores of a base and of the last best, and what was tried: each try is the best so far with other luck.

    No try is truly better: what changes is which tasks go well. Whoever is best on the first half of the tasks is built
    upon. Shapes (replicates, n), (replicates, n), (replicates, steps, n / 2), and the halves' border.
    """
    rng = np.random.default_rng(seed)
    cuts = ndtri(np.cumsum(scenarios.MID)[:-1])
    half = n // 2
    latent = rng.normal(size=(replicates, n))
    best, base = latent, 1.0 + np.searchsorted(cuts, latent)
    best_scores, tried = base, np.empty((replicates, steps, half))
    for step in range(steps):
        new = np.sqrt(LATENT) * best + np.sqrt(1 - LATENT) * rng.normal(size=(replicates, n))
        scores = 1.0 + np.searchsorted(cuts, new)
        tried[:, step] = (scores - base)[:, :half]
        is_better = (scores[:, :half].mean(axis=1) > best_scores[:, :half].mean(axis=1))[:, None]
        best, best_scores = np.where(is_better, new, best), np.where(is_better, scores, best_scores)
    return base, best_scores, tried, np.array(half)


@pytest.mark.slow
def test_a_seal_holds_where_tries_build_on_each_other() -> None:
    """Thirty steps uphill, no true gain: on the sealed half the last best is "better" in at most 5 %.

    On the tasks that it climbed on no correction over the thirty tries helps.
    """
    base, best, tried, half = climb(400, 30, 200, seed=30)
    claims = [paired_comparison(one[half:], other[half:]) for one, other in zip(best, base, strict=True)]
    false = [(one.p_value or 1) <= 0.05 and (one.difference.value or 0) > 0 for one in claims]
    assert np.mean(false) <= 0.05
    climbed = [correct_over_tries(table, Design(draws=499, seed=place)) for place, table in enumerate(tried[:150])]
    assert np.mean([((one.p_values <= 0.05) & (one.differences > 0)).any() for one in climbed]) > 0.10
