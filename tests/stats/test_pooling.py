"""Several judges as one."""

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from harness.errors import StatisticsError
from harness.stats.pooling import pool_judges


@pytest.mark.parametrize("seed", range(5))
def test_as_statsmodels_where_judges_are_independent(seed: int) -> None:
    """Hartung-Knapp with Paule-Mandel weights."""
    rng = np.random.default_rng(seed)
    values, ses = rng.normal(0.3, 0.4, 5), rng.uniform(0.05, 0.15, 5)
    theirs = combine_effects(values, ses**2, method_re="iterated", use_t=True)
    pooled = pool_judges(values, ses)
    assert theirs.mean_effect_re == pytest.approx(pooled.value, abs=1e-5)
    assert theirs.tau2 == pytest.approx(pooled.between_sd**2, abs=1e-5)
    low, high = theirs.conf_int(use_t=True)[1][:2] if theirs.tau2 > 0 else (pooled.low, pooled.high)
    assert pooled.low <= low + 0.06
    assert pooled.high >= high - 0.06


def test_agreement_is_never_surer_than_the_judges_themselves() -> None:
    """Three judges that happen to say the very same keep their own error."""
    pooled = pool_judges([0.3, 0.3, 0.3], [0.12, 0.12, 0.12])
    assert 0.12 / 3**0.5 == pytest.approx(pooled.se)


def test_common_error_does_not_shrink() -> None:
    """Judges of the same answers share the luck of the tasks."""
    apart, together = (pool_judges([0.3, 0.25, 0.35], [0.12] * 3, correlation=c).se for c in (0.0, 1.0))
    assert together >= 0.12 > apart


def test_two_judges_predict_nothing_of_a_third() -> None:
    """No degrees of freedom are left."""
    assert np.isinf(pool_judges([0.1, 0.2], [0.1, 0.1]).predicted_high)


@pytest.mark.parametrize(("values", "ses"), [([0.1], [0.1]), ([0.1, 0.2], [0.1]), ([0.1, 0.2], [0.1, 0.0])])
def test_no_panel(values: list[float], ses: list[float]) -> None:
    """One judge, unlike lengths, no error."""
    with pytest.raises(StatisticsError):
        pool_judges(values, ses)
