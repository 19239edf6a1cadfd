"""Published and independently computed values; each golden file names its source."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness import stats
from harness.stats.design import Design
from harness.types import LIKERT_5
from tests.stats.conftest import Golden
from tests.stats.oracles import cr2_by_matrices, sign_flip_law


def test_t_and_logit_t(golden: Golden) -> None:
    """Plain t and logit-t intervals of 100 scores near the ceiling."""
    case = golden("mean_ci")["cases"][0]
    values = np.repeat(np.arange(1, 6), case["hist_1to5"])
    plain, logit = stats.mean_interval(values), stats.mean_interval(values, LIKERT_5)
    assert plain.value == pytest.approx(case["mean"], rel=1e-12)
    assert [plain.low, plain.high] == pytest.approx(case["t_ci95"], rel=1e-9)
    assert [logit.low, logit.high] == pytest.approx(case["logit_t_ci95"], rel=1e-9)
    assert (plain.method, logit.method) == ("t", "logit-t")


def test_wilson(golden: Golden) -> None:
    """Wilson's interval for the four rates of Newcombe 1998, Table I."""
    for case in golden("mean_ci")["cases"][1]["wilson"]:
        estimate = stats.wilson_interval(case["k"], case["n"])
        assert [estimate.low, estimate.high] == pytest.approx(case["ci95"], rel=1e-9, abs=1e-15)


def test_cluster_robust(golden: Golden) -> None:
    """CR2 of the definition's matrices on the golden clusters, which are of unlike sizes: wider than its CR1."""
    case = golden("cluster_se")["cases"][0]
    result = stats.cluster_interval(case["y"], design=Design(clusters=case["cluster"])).estimate
    se, df = cr2_by_matrices(np.array(case["y"]), np.array(case["cluster"]))
    half = scipy_stats.t.isf(0.025, df) * se
    assert result.value == pytest.approx(case["mean"], rel=1e-12)
    assert [result.low, result.high] == pytest.approx([case["mean"] - half, case["mean"] + half], rel=1e-9)
    assert result.low < case["ci95_t"][0] < case["ci95_t"][1] < result.high
    assert df < case["t_df"]


def test_paired_t_on_the_sleep_data(golden: Golden) -> None:
    """R's t.test(paired=TRUE) on datasets::sleep."""
    case = golden("paired_t_sleep")["cases"][0]
    result = stats.paired_comparison(case["x"], case["y"])
    assert result.difference.value == pytest.approx(case["mean_diff"], rel=1e-12)
    assert [result.difference.low, result.difference.high] == pytest.approx(case["ci95"], rel=1e-9)
    assert result.p_value_t == pytest.approx(case["p"], rel=1e-9)


def test_sign_flip(golden: Golden) -> None:
    """Darwin's maize and two ordinal samples: the mid-p is the exact two-sided p less half the observed sum's mass."""
    darwin, small, large = golden("sign_flip_exact")["cases"]
    zeros = np.zeros(len(darwin["d"]))
    p = stats.paired_comparison(darwin["d"], zeros).p_value
    # 1726 of 32768 patterns reach the sum; 28 + 28 reach exactly it.
    assert p == pytest.approx((darwin["count"] - 28) / 32768, rel=1e-12)
    p = stats.paired_comparison(small["d"], np.zeros(12)).p_value
    assert p == pytest.approx(small["p_mid"], rel=1e-12)
    d = np.array(large["d"])
    sums = sign_flip_law(d)
    mid = large["p_two_sided"] - (sums[d.sum()] + sums[-d.sum()]) / 2
    assert stats.paired_comparison(d, np.zeros(100)).p_value == pytest.approx(mid, abs=large["tol"])


def test_sign_flip_on_pass_fail_is_mcnemars_mid_p(golden: Golden) -> None:
    """On 0/1 scores the sign-flip test is McNemar's mid-p test."""
    case = golden("mcnemar")["cases"][1]
    candidate = np.repeat([1, 0], [case["b"], case["c"]])
    assert stats.paired_comparison(candidate, 1 - candidate).p_value == pytest.approx(case["p_mid"], rel=1e-12)


def test_wins_and_superiority(golden: Golden) -> None:
    """Wins, ties, losses, probability of superiority and the standardised effect of ten pairs."""
    case = golden("effect_sizes")["cases"][1]
    result = stats.paired_comparison(case["a"], case["b"])
    assert (result.wins, result.ties, result.losses) == (case["win"], case["tie"], case["loss"])
    assert result.superiority == case["paired_prob_superiority_ties_half"]
    assert result.difference.value / result.spread.sd == pytest.approx(case["dz"], rel=1e-12)


def test_holm_and_benjamini_hochberg(golden: Golden) -> None:
    """The example of Benjamini & Hochberg 1995, section 3."""
    case = golden("multiplicity")["cases"][0]
    assert stats.holm(case["p"]) == pytest.approx(case["holm"], rel=1e-12)
    assert stats.benjamini_hochberg(case["p"]) == pytest.approx(case["bh"], rel=1e-12)
    assert (stats.holm(case["p"]) <= 0.05).sum() == case["n_reject_holm"]
    assert (stats.benjamini_hochberg(case["p"]) <= 0.05).sum() == case["n_reject_bh"]


def test_sidak_and_rank_sets(golden: Golden) -> None:
    """The Sidak-t critical value of 28 pairs, and rank sets of four models from three significant pairs."""
    critical, ranks = golden("simultaneous_and_ranks")["cases"]
    df = critical["n"] - 1
    assert stats.sidak_t_critical(critical["pairs"], df) == pytest.approx(critical["t_sidak"], rel=1e-9)
    assert stats.sidak_t_critical(1, df) == pytest.approx(critical["t_per_pair"], rel=1e-9)
    sets = stats.rank_sets_from_pairs(ranks["M"], ranks["sig_pairs_winner_loser"])
    assert [[s.low, s.high] for s in sets] == ranks["rank_sets"]


def test_power(golden: Golden) -> None:
    """Tasks needed and detectable effects by the noncentral t, and Miller 2024 with repeats."""
    medium, small, board, miller, ordinal = golden("power")["cases"]
    assert stats.required_n(medium["dz"], 1) == pytest.approx(medium["n"], rel=1e-6)
    assert stats.required_n(small["dz"], 1) == pytest.approx(small["n"], rel=1e-6)
    # The golden effect has power .7999974, where the solver behind it stopped; ours has .8 to twelve digits.
    effect = stats.minimum_detectable_effect(1, board["n"])
    assert effect == pytest.approx(board["mde_dz"], rel=5e-6)
    assert stats.t_test_power(effect, board["n"]) == pytest.approx(0.8, abs=1e-12)
    assert stats.t_test_power(board["mde_dz"], board["n"]) == pytest.approx(0.8, abs=3e-6)
    for case in (miller["miller"], ordinal["ordinal"]):
        variances = {"omega2": case["omega2"], "sigma2_a": case["sigma2_A"], "sigma2_b": case["sigma2_B"]}
        assert stats.required_n_with_repeats(case["delta"], **variances) == pytest.approx(case["n"], rel=1e-9)
    thrice = stats.required_n_with_repeats(case["delta"], **variances, repeats_a=3, repeats_b=3)
    assert thrice == pytest.approx(ordinal["K3"], rel=1e-9)


def test_human_anchoring(golden: Golden) -> None:
    """The survey-regression estimator for a mean and for a paired difference, both estimands."""
    for case in golden("ppi")["cases"]:
        judge = case["Yhat"] + case["Yhat_unlabeled"]
        human = case["Y"] + [None] * len(case["Yhat_unlabeled"])
        expected = case["regression_estimator"]
        result = stats.anchored_mean(human, judge)
        assert result.slope == pytest.approx(expected["beta"], rel=1e-9)
        assert result.these_tasks.value == pytest.approx(expected["point"], rel=1e-9)
        assert result.population.value == pytest.approx(expected["point"], rel=1e-9)
        assert [result.these_tasks.low, result.these_tasks.high] == pytest.approx(expected["ci95_finite"], rel=1e-9)
        assert [result.population.low, result.population.high] == pytest.approx(expected["ci95_superpop"], rel=1e-9)
        assert result.n_labels - 2 == expected["df"]


def test_effective_labels(golden: Golden) -> None:
    """Labels worth, and interval widths against labels alone, at the optimum of PPI++."""
    data = golden("ppi")
    for case in data["n_eff"]:
        rho, n, n_tasks = case["rho"], case["n"], case["T"]
        worth = stats.effective_labels(rho, n, n_tasks)
        assert worth == pytest.approx(case["n_eff"], rel=1e-9)
        assert (n / worth) ** 0.5 == pytest.approx(case["width_ratio_vs_human_only"], rel=1e-9)
        here = stats.effective_labels(rho, n, None)
        assert (n / here) ** 0.5 == pytest.approx(case["finite_pop_width_ratio"], rel=1e-9)
    for case in data["n_eff_limit_N_inf"]:
        worth = stats.effective_labels(case["rho"], 30, None)
        assert 1 - 30 / worth == pytest.approx(case["label_saving"], rel=1e-9)


def test_weighted_kappa(golden: Golden) -> None:
    """Quadratic, linear and plain kappa with statsmodels' interval, and the level that nobody gave."""
    case, trap = golden("qwk")["cases"]
    result = stats.weighted_kappa(case["a"], case["b"])
    assert result.value == pytest.approx(case["qwk"], rel=1e-9)
    assert [result.low, result.high] == pytest.approx(case["qwk_ci95_statsmodels"], rel=1e-9)
    assert stats.weighted_kappa(case["a"], case["b"], weights="linear").value == pytest.approx(case["linear_kappa"])
    assert stats.weighted_kappa(case["a"], case["b"], weights="none").value == pytest.approx(case["kappa"])
    both = stats.agreement(case["a"], case["b"])
    assert (both.exact.value, both.within_one.value) == (case["exact_agreement"], case["within1"])
    assert stats.weighted_kappa(trap["a"], trap["b"]).value == pytest.approx(trap["qwk_correct_labels_1to5"], rel=1e-9)


def test_variance_components(golden: Golden) -> None:
    """Nested balanced ANOVA of 30 tasks x 3 generations x 2 judgements, and other designs' standard errors."""
    case = golden("variance_components")["cases"][0]
    result = stats.variance_components(case["y_task_gen_judge"])
    assert result.judge == pytest.approx(case["var_judge"], rel=1e-9)
    assert result.generation == pytest.approx(case["var_gen"], rel=1e-9)
    assert result.task == pytest.approx(case["var_task"], rel=1e-9)
    assert result.se == pytest.approx(case["se_mean_from_task_means"], rel=1e-9)
    for generations, judgements in ((1, 1), (5, 1), (1, 5)):
        se = stats.predicted_se(result, tasks=30, generations=generations, judgements=judgements)
        assert se == pytest.approx(case[f"predicted_se_K{generations}_J{judgements}"], rel=1e-9)
