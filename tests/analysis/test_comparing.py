"""How rows are compared: one set of tasks as the statistics say, and several sets joined by design by their shares."""

import numpy as np

from harness.analysis.comparing import compare_rows, ranks_of
from harness.stats import Design, compare_family, rank_sets
from harness.types import LIKERT_5
from tests.analysis.tables import table

CELLS = np.random.default_rng(7).integers(1, 6, (3, 30)).astype(float)
DESIGN = Design()


def test_one_set_of_tasks_is_compared_by_the_statistics_alone() -> None:
    """The same figures, no panel, and a plan of what the tasks can tell apart."""
    found = compare_rows(table(CELLS), DESIGN, family="baseline", baseline=1)
    plain = compare_family(CELLS, LIKERT_5, DESIGN, family="baseline", baseline=1, ends=table(CELLS).ends)
    assert plain == found.family
    assert [None, None] == list(found.panel)
    assert found.plan.gains
    assert rank_sets(CELLS, LIKERT_5, DESIGN) == ranks_of(table(CELLS), DESIGN)


def test_all_pairs_are_each_pair_once() -> None:
    """Three rows, three pairs."""
    found = compare_rows(table(CELLS), DESIGN, family="all-pairs", baseline=0)
    assert 3 == len(found.family.pairs) == len(found.panel)
