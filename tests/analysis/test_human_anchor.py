"""People's scores of some tasks carried to all, on real judges' scores."""

import random

import numpy as np

from harness.analysis.human_anchor import TaskDraw, anchoring
from harness.analysis.scores import ScoreTable
from tests.analysis.tables import table


def test_anchoring_covers_what_people_would_say(real: dict[str, ScoreTable]) -> None:
    """One judge's scores of 30 random tasks stand in for people: the these-tasks interval holds the full mean."""
    people, judge = real["llmjudge-llama33"], real["llmjudge-athenev2"]
    covered = total = 0
    for draw in range(20):
        chosen = sorted(random.Random(draw).sample(range(100), 30))
        cells = np.full_like(people.cells, np.nan)
        cells[:, chosen] = people.cells[:, chosen]
        human = table(cells[..., 0, 0], name="h", kind="human")
        ids = [str(one) for one in range(100)]
        found = anchoring(
            judge, human, baseline="m3", draw=TaskDraw(population=ids, chosen=[str(one) for one in chosen])
        )
        assert found is not None
        whole = not np.isnan(people.cells[:, chosen]).any()  # some answers have no score though their task was drawn
        assert (whole, 60, 59, 100) == (
            found.drawn_at_random, len(found.means), len(found.differences), found.n_tasks
        )  # fmt: skip
        assert "m3" == found.differences[0].baseline.model
        for row in found.means:
            truth = np.nanmean(people.scores[people.rows.index(row.row)])
            here = row.estimate.these_tasks
            covered += here.low <= truth <= here.high
            total += 1
    assert 0.92 <= covered / total <= 0.97


def test_anchoring_wants_a_part_and_says_when_it_is_not_the_drawn_one() -> None:
    """Nothing rated or everything: no anchoring. Other tasks than the drawn ones: on record as not random."""
    scores = np.random.default_rng(3).integers(1, 6, (2, 40)).astype(float)
    part = scores.copy()
    part[:, 25:] = np.nan
    judge, human = table(scores), table(part, kind="human")
    ids = [str(one) for one in range(40)]
    assert None is anchoring(judge, table(scores, kind="human"), baseline="m0")
    assert None is anchoring(judge, table(np.full_like(scores, np.nan), kind="human"), baseline="m0")
    for chosen, drawn in ((ids[:25], True), (ids[5:30], False), (None, None)):
        found = anchoring(judge, human, baseline="m0", draw=TaskDraw(population=ids, chosen=chosen))
        assert found is not None
        assert drawn is found.drawn_at_random
