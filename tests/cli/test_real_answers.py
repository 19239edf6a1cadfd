"""The real thing: 60 models' answers to 100 ELYZA tasks under four real judges, and the competition's task file."""

import csv
import json
import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

import pytest

from tests.conftest import RunCli, results_of


@pytest.fixture(scope="module")
def board_folder(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the 60-model board under six judges was made, with what it printed in files beside it."""
    folder = tmp_path_factory.mktemp("board")
    ended = subprocess.run(
        [sys.executable, "-c", "from harness.cli.main import main; main()", "eval", "--run", "board",
         "--task", f"elyza-tasks-100={shared_data}/elyza-tasks-100/test.jsonl",
         "--model", f"outputs:{shared_data}/shaberi/answers.parquet",
         "--judge", f"human:{shared_data}/shaberi/scores.csv", "--judge", "reference", "--judge", "rules"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert 3 == ended.returncode, "36 scores are blank or off the scale, more than --max-unscored 0 allows"
    (folder / "err").write_text(ended.stderr, encoding="utf-8")
    return folder


def plain_means(path: Path) -> dict[tuple[str, str], float]:
    """Read the scores with nothing but the csv module and average those on the scale."""
    scores = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["score"] and 1 <= float(row["score"]) <= 5:
                scores[f"human:{row['judge']}", row["model"]].append(float(row["score"]))
    return {place: mean(values) for place, values in scores.items()}


def test_sixty_models_under_six_judges(board_folder: Path, shared_data: Path) -> None:
    """Every human mean is the plain average of the on-scale scores, and every missing score is counted."""
    results = results_of(board_folder, "board")
    rows = {(row["judge"], row["model"]): row for row in results["rows"]}
    assert 360 == len(rows)
    expected = plain_means(shared_data / "shaberi" / "scores.csv")
    assert 240 == len(expected)
    assert [] == [place for place, value in expected.items() if not math.isclose(rows[place]["mean"], value)]
    assert 28 + 8 == sum(row["n_unscored"] for row in rows.values())
    said = (board_folder / "err").read_text(encoding="utf-8")
    assert "36 of 36000 verdicts are missing (36 unscored, 0 failed)" in said
    assert "8 outside the 1-5 scale (lines 3108, 3992, 6308, 6392, 11992, 16392, 20398, 22792)" in said


def test_every_figure_of_the_real_board_is_a_number_or_null(board_folder: Path) -> None:
    """results.json is strict JSON, means lie in their intervals, and each judge has a baseline that is compared."""
    text = (board_folder / "runs/board/results.json").read_text(encoding="utf-8")
    results = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in results.json"))
    for row in results["rows"]:
        assert row["scale"][0] <= row["low"] <= row["mean"] <= row["high"] <= row["scale"][1]
        assert 1 <= row["rank_low"] <= row["rank_high"] <= 60
    assert 6 * 59 == len(results["comparisons"])
    assert 1 == len({comparison["baseline"]["model"] for comparison in results["comparisons"]})
    by_judge = defaultdict(list)
    for comparison in results["comparisons"]:
        assert comparison["n_pairs"] == comparison["wins"] + comparison["ties"] + comparison["losses"]
        by_judge[comparison["judge"]].append((comparison["p_value"], comparison["p_adjusted"]))
    for pairs in by_judge.values():  # Holm: ordered as p, never below p, the smallest times the family's size
        assert all(p <= adjusted <= 1 for p, adjusted in pairs)
        assert math.isclose(min(adjusted for _, adjusted in pairs), min(1, 59 * min(p for p, _ in pairs)))


def test_the_competition_file_in_three_layouts_is_one_task(run_cli: RunCli, shared_data: Path, workplace: Path) -> None:
    """LF, CRLF and objects spread over lines: the same hash, the same rows, and one set of answers for all three."""
    source = (shared_data / "elyza-tasks-100-tv" / "elyza-tasks-100-TV_0.jsonl").read_text(encoding="utf-8")
    spread = "".join(json.dumps(json.loads(line), ensure_ascii=False, indent=2) + "\n" for line in source.splitlines())
    copies = {"lf": source.encode(), "crlf": source.replace("\n", "\r\n").encode(), "spread": spread.encode()}
    seen = set()
    for name, data in copies.items():
        path = workplace / f"{name}.jsonl"
        path.write_bytes(data)
        ran = run_cli(
            "eval", "--task", f"elyza-tasks-100-tv={path}", "--model", "echo", "--judge", "rules", "--run", name
        )
        assert 0 == ran.code, ran.err
        results = results_of(workplace, name)
        seen.add((json.dumps(results["rows"]), json.dumps(results["provenance"]["tasks"])))
        assert f"100 answers ({0 if name == 'lf' else 100} stored" in ran.err
    assert 1 == len(seen)
    assert 100 == json.loads(next(iter(seen))[0])[0]["n"]
