"""Published and independently computed values; each golden file names its source."""

import numpy as np
import pytest

from harness import stats


def test_t_and_logit_t(golden):
    """Plain t and logit-t intervals of 100 scores near the ceiling."""
    case = golden("mean_ci")["cases"][0]
    values = np.repeat(np.arange(1, 6), case["hist_1to5"])
    plain, logit = stats.mean_interval(values), stats.mean_interval(values, low=1, high=5)
    assert plain.value == pytest.approx(case["mean"], rel=1e-12)
    assert [plain.low, plain.high] == pytest.approx(case["t_ci95"], rel=1e-9)
    assert [logit.low, logit.high] == pytest.approx(case["logit_t_ci95"], rel=1e-9)
    assert (plain.method, logit.method) == ("t", "logit-t")


def test_wilson(golden):
    """Wilson's interval for the four rates of Newcombe 1998, Table I."""
    for case in golden("mean_ci")["cases"][1]["wilson"]:
        estimate = stats.wilson_interval(case["k"], case["n"])
        assert [estimate.low, estimate.high] == pytest.approx(case["ci95"], rel=1e-9, abs=1e-15)


def test_cluster_robust(golden):
    """CR1 with t(G-1) equals statsmodels' cluster covariance."""
    case = golden("cluster_se")["cases"][0]
    result = stats.cluster_interval(case["y"], case["cluster"])
    assert result.estimate.value == pytest.approx(case["mean"], rel=1e-12)
    assert [result.estimate.low, result.estimate.high] == pytest.approx(case["ci95_t"], rel=1e-9)
    assert result.n_clusters == case["t_df"] + 1


def test_paired_t_on_the_sleep_data(golden):
    """R's t.test(paired=TRUE) on datasets::sleep."""
    case = golden("paired_t_sleep")["cases"][0]
    result = stats.paired_comparison(case["x"], case["y"])
    assert result.difference.value == pytest.approx(case["mean_diff"], rel=1e-12)
    assert [result.difference.low, result.difference.high] == pytest.approx(case["ci95"], rel=1e-9)
    assert result.p_value_t == pytest.approx(case["p"], rel=1e-9)


def test_sign_flip(golden):
    """Darwin's maize and two ordinal samples: the mid-p is the exact two-sided p less half the observed sum's mass."""
    darwin, small, large = golden("sign_flip_exact")["cases"]
    zeros = np.zeros(len(darwin["d"]))
    p = stats.paired_comparison(darwin["d"], zeros).p_value
    # 1726 of 32768 patterns reach the sum; 28 + 28 reach exactly it.
    assert p == pytest.approx((darwin["count"] - 28) / 32768, rel=1e-12)
    p = stats.paired_comparison(small["d"], np.zeros(12)).p_value
    assert p == pytest.approx(small["p_mid"], rel=1e-12)
    d = np.array(large["d"])
    sums = _exact_law(d)
    mid = large["p_two_sided"] - (sums[d.sum()] + sums[-d.sum()]) / 2
    assert stats.paired_comparison(d, np.zeros(100)).p_value == pytest.approx(mid, abs=large["tol"])


def test_sign_flip_on_pass_fail_is_mcnemars_mid_p(golden):
    """On 0/1 scores the sign-flip test is McNemar's mid-p test."""
    case = golden("mcnemar")["cases"][1]
    candidate = np.repeat([1, 0], [case["b"], case["c"]])
    assert stats.paired_comparison(candidate, 1 - candidate).p_value == pytest.approx(case["p_mid"], rel=1e-12)


def test_wins_and_superiority(golden):
    """Wins, ties, losses, probability of superiority and the standardised effect of ten pairs."""
    case = golden("effect_sizes")["cases"][1]
    result = stats.paired_comparison(case["a"], case["b"])
    assert (result.wins, result.ties, result.losses) == (case["win"], case["tie"], case["loss"])
    assert result.superiority == case["paired_prob_superiority_ties_half"]
    assert result.difference.value / result.sd == pytest.approx(case["dz"], rel=1e-12)


def test_holm_and_benjamini_hochberg(golden):
    """The example of Benjamini & Hochberg 1995, section 3."""
    case = golden("multiplicity")["cases"][0]
    assert stats.holm(case["p"]) == pytest.approx(case["holm"], rel=1e-12)
    assert stats.benjamini_hochberg(case["p"]) == pytest.approx(case["bh"], rel=1e-12)
    assert (stats.holm(case["p"]) <= 0.05).sum() == case["n_reject_holm"]
    assert (stats.benjamini_hochberg(case["p"]) <= 0.05).sum() == case["n_reject_bh"]


def test_sidak_and_rank_sets(golden):
    """The Sidak-t critical value of 28 pairs, and rank sets of four models from three significant pairs."""
    critical, ranks = golden("simultaneous_and_ranks")["cases"]
    df = critical["n"] - 1
    assert stats.sidak_t_critical(critical["pairs"], df) == pytest.approx(critical["t_sidak"], rel=1e-9)
    assert stats.sidak_t_critical(1, df) == pytest.approx(critical["t_per_pair"], rel=1e-9)
    sets = stats.rank_sets_from_pairs(ranks["M"], ranks["sig_pairs_winner_loser"])
    assert [[s.low, s.high] for s in sets] == ranks["rank_sets"]


def test_power(golden):
    """Tasks needed and detectable effects by the noncentral t, and Miller 2024 with repeats."""
    medium, small, board, miller, ordinal = golden("power")["cases"]
    assert stats.required_n(medium["dz"], 1) == pytest.approx(medium["n"], rel=1e-6)
    assert stats.required_n(small["dz"], 1) == pytest.approx(small["n"], rel=1e-6)
    # The golden effect has power .7999974, where the solver behind it stopped; ours has .8 to twelve digits.
    effect = stats.minimum_detectable_effect(1, board["n"])
    assert effect == pytest.approx(board["mde_dz"], rel=5e-6)
    assert stats.t_test_power(effect, board["n"]) == pytest.approx(0.8, abs=1e-12)
    assert stats.t_test_power(board["mde_dz"], board["n"]) == pytest.approx(0.8, abs=3e-6)
    case = miller["miller"]
    names = {key: case[key] for key in ("omega2", "sigma2_a", "sigma2_b") if key in case} | {
        "sigma2_a": case["sigma2_A"],
        "sigma2_b": case["sigma2_B"],
    }
    assert stats.required_n_with_repeats(case["delta"], **names) == pytest.approx(case["n"], rel=1e-9)
    case = ordinal["ordinal"]
    names = {"omega2": case["omega2"], "sigma2_a": case["sigma2_A"], "sigma2_b": case["sigma2_B"]}
    assert stats.required_n_with_repeats(case["delta"], **names) == pytest.approx(case["n"], rel=1e-9)
    assert stats.required_n_with_repeats(case["delta"], **names, repeats_a=3, repeats_b=3) == pytest.approx(
        ordinal["K3"], rel=1e-9
    )


def _exact_law(d: np.ndarray) -> dict[int, float]:
    """Return the sign-flip law of the sum of ``d`` by adding one task after the other."""
    law = {0: 1.0}
    for size in np.abs(d[d != 0]).tolist():
        longer: dict[int, float] = {}
        for total, mass in law.items():
            for sign in (-size, size):
                longer[total + sign] = longer.get(total + sign, 0.0) + mass / 2
        law = longer
    return law
