"""Statistics of scores: pure functions of numpy arrays that return frozen results.

One score per task and model (repeats averaged first); NaN or None in an array is a task without a score. What cannot be
computed is None, never NaN. Bad numbers raise `harness.errors.StatisticsError`.
"""

from harness.stats.agreement import Agreement, agreement, weighted_kappa
from harness.stats.alpha import AlphaLevel, krippendorff_alpha
from harness.stats.anchoring import (
    AnchoredEstimate,
    anchored_difference,
    anchored_mean,
    effective_labels,
)
from harness.stats.best_of import BestOf, best_of
from harness.stats.bradley_terry import BradleyTerry, bradley_terry
from harness.stats.comparable import ComparableMeans, comparable_means
from harness.stats.design import Design
from harness.stats.gaps import MissingScores, gaps_are_unlike, gaps_matter, missing_shares
from harness.stats.intervals import ScoreInterval, cluster_interval, mean_interval, score_interval, wilson_interval
from harness.stats.length_control import LengthControlled, length_controlled_rate
from harness.stats.multiplicity import benjamini_hochberg, holm, sidak_t_critical
from harness.stats.paired import (
    Family,
    FamilyComparison,
    PairedComparison,
    Spread,
    compare_family,
    compare_pairs,
    paired_comparison,
    plan_family,
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
from harness.stats.sampling_check import DrawCheck, check_draw
from harness.stats.variance import (
    DesignOption,
    RepeatPlan,
    VarianceComponents,
    next_design,
    plan_repeats,
    predicted_se,
    variance_components,
)
from harness.stats.win_rate import WinRate, position_bias, win_rate
from harness.stats.worst_case_bounds import WorstCase, worst_case_mean

__all__ = [
    "Agreement",
    "AlphaLevel",
    "AnchoredEstimate",
    "BestOf",
    "BoardPlan",
    "BradleyTerry",
    "ComparableMeans",
    "Design",
    "DesignOption",
    "DrawCheck",
    "Family",
    "FamilyComparison",
    "Gain",
    "LengthControlled",
    "MissingScores",
    "PairedComparison",
    "RankSet",
    "RepeatPlan",
    "ScoreInterval",
    "Spread",
    "VarianceComponents",
    "WinRate",
    "WorstCase",
    "agreement",
    "anchored_difference",
    "anchored_mean",
    "benjamini_hochberg",
    "best_of",
    "bradley_terry",
    "check_draw",
    "cluster_interval",
    "comparable_means",
    "compare_family",
    "compare_pairs",
    "effective_labels",
    "gaps_are_unlike",
    "gaps_matter",
    "holm",
    "krippendorff_alpha",
    "length_controlled_rate",
    "mean_interval",
    "minimum_detectable_effect",
    "missing_shares",
    "next_design",
    "paired_comparison",
    "plan_board",
    "plan_family",
    "plan_repeats",
    "position_bias",
    "predicted_se",
    "rank_sets",
    "rank_sets_from_pairs",
    "required_n",
    "required_n_with_repeats",
    "score_interval",
    "sidak_t_critical",
    "t_test_power",
    "variance_components",
    "weighted_kappa",
    "wilson_interval",
    "win_rate",
    "worst_case_mean",
]
