"""Statistics of scores: pure functions of numpy arrays that return frozen results.

One score per task and model (repeats averaged first); NaN or None in an array is a task without a score. What cannot be
computed is None, never NaN. Bad numbers raise `harness.errors.StatisticsError`.
"""

from harness.stats.intervals import ScoreInterval, cluster_interval, mean_interval, score_interval, wilson_interval
from harness.stats.multiplicity import benjamini_hochberg, holm, sidak_t_critical
from harness.stats.paired import (
    Family,
    FamilyComparison,
    PairedComparison,
    compare_family,
    compare_pairs,
    paired_comparison,
)
from harness.stats.power import (
    BoardPlan,
    Gain,
    minimum_detectable_effect,
    plan_board,
    required_n,
    required_n_with_repeats,
    t_test_power,
)
from harness.stats.ranks import RankSet, rank_sets, rank_sets_from_pairs

__all__ = [
    "BoardPlan",
    "Family",
    "FamilyComparison",
    "Gain",
    "PairedComparison",
    "RankSet",
    "ScoreInterval",
    "benjamini_hochberg",
    "cluster_interval",
    "compare_family",
    "compare_pairs",
    "holm",
    "mean_interval",
    "minimum_detectable_effect",
    "paired_comparison",
    "plan_board",
    "rank_sets",
    "rank_sets_from_pairs",
    "required_n",
    "required_n_with_repeats",
    "score_interval",
    "sidak_t_critical",
    "t_test_power",
    "wilson_interval",
]
