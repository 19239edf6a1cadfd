"""Golden cases and real scores, read from the folder beside the repository; tests that need them skip without it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

Golden = Callable[[str], Any]
Floats = NDArray[np.float64]


@pytest.fixture(scope="session")
def golden() -> Golden:
    """Return a reader of the golden files, which name their sources."""

    def read(name: str) -> Any:
        path = SHARED / "golden" / f"{name}.json"
        if not path.exists():
            pytest.skip(f"no golden file {path.name} beside the repository")
        return json.loads(path.read_text(encoding="utf-8"))

    return read


@pytest.fixture(scope="session")
def shaberi() -> dict[str, Floats]:
    """Return the real scores of four judges: judge -> (60 models, 100 tasks), NaN for blank or off the 1-5 scale."""
    path = SHARED / "data" / "shaberi" / "scores.csv"
    if not path.exists():
        pytest.skip("no shaberi/scores.csv beside the repository")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    models = sorted({row["model"] for row in rows})
    scores = {judge: np.full((len(models), 100), np.nan) for judge in sorted({row["judge"] for row in rows})}
    for row in rows:
        score = float(row["score"] or "nan")
        if 1 <= score <= 5:
            scores[row["judge"]][models.index(row["model"]), int(row["task_id"])] = score
    return scores
