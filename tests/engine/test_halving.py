"""Successive halving: who goes, what it saves and what it costs, on 60 real models."""

import csv
from pathlib import Path

import numpy as np
import pytest

from harness.engine.halving import check_candidates, dropped
from harness.engine.looks import frozen_order
from harness.errors import UsageError
from harness.types import Sample


def test_a_handful_is_not_halved() -> None:
    """Three candidates are refused."""
    check_candidates(4)
    with pytest.raises(UsageError, match="3 candidates"):
        check_candidates(3)


def test_nobody_goes_without_a_figure() -> None:
    """One difference alone, or none, drops nobody."""
    assert set() == dropped({"a": None, "b": 0.1})
    assert set() == dropped({"a": 0.1, "b": 0.1, "c": 0.1})


@pytest.mark.slow
def test_half_the_calls_at_the_same_regret(shared_data: Path) -> None:
    """20 of 60 real models, 25, 50 and 100 tasks in a frozen order: 45 % of calls or more are saved, regret +.005."""
    scores: dict[str, dict[str, list[float]]] = {}
    with (shared_data / "shaberi" / "scores.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            own = scores.setdefault(row["judge"], {}).setdefault(row["model"], [float("nan")] * 100)
            score = float(row["score"] or "nan")
            own[int(row["task_id"])] = score if 1 <= score <= 5 else float("nan")
    rng = np.random.default_rng(5)
    calls, regrets, plain = [], [], []
    for judge, rows in scores.items():
        table = np.array(list(rows.values()))
        table = np.where(np.isnan(table), np.nanmean(table), table)
        for repeat in range(250):
            models = rng.permutation(len(table))[:21]
            # The truth is known of a mean over many tasks only: these tasks drawn anew stand in for new ones.
            truth, drawn = table[models].mean(axis=1), table[models][:, rng.integers(0, 100, 100)]
            order = [int(one) for one in frozen_order([
                Sample(id=str(n), inputs={"input": f"{judge} {repeat} {n}"}) for n in range(100)
            ])]  # fmt: skip
            alive, asked = set(range(1, 21)), 0
            for before, until in ((0, 25), (25, 50), (50, 100)):
                asked += (len(alive) + 1) * (until - before)
                means = drawn[:, order[:until]].mean(axis=1)
                if until < 100:
                    alive -= dropped({one: float(means[one] - means[0]) for one in alive})
            best, naive = max(alive, key=lambda one: means[one]), 1 + int(np.argmax(drawn[1:].mean(axis=1)))
            calls.append(asked / 2100)
            regrets.append(truth[1:].max() - truth[best])
            plain.append(truth[1:].max() - truth[naive])
    assert np.mean(calls) <= 0.55
    assert np.mean(regrets) - np.mean(plain) <= 0.005
