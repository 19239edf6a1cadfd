"""Real judges' scores as tables."""

import csv

import numpy as np
import pytest

from harness.analysis.scores import ScoreTable
from tests.analysis.tables import table
from tests.conftest import SHARED


@pytest.fixture(scope="module")
def real() -> dict[str, ScoreTable]:
    """The four judges of the shared scores, read by the standard library alone."""
    path = SHARED / "data" / "shaberi" / "scores.csv"
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    models = {name: i for i, name in enumerate(dict.fromkeys(row["model"] for row in rows))}
    judges = {name: np.full((len(models), 100), np.nan) for name in dict.fromkeys(row["judge"] for row in rows)}
    for row in rows:
        if row["score"] and 1 <= float(row["score"]) <= 5:
            judges[row["judge"]][models[row["model"]], int(row["task_id"])] = float(row["score"])
    return {name: table(cells, name=name) for name, cells in judges.items()}
