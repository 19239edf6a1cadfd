"""Missing scores in every output: marked, named with their number, and with what they could change."""

import csv
import io
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.board import Board
from harness.analysis.leaderboard import Leaderboard, build_leaderboard
from harness.analysis.scores import ScoreTable
from harness.engine.plan import PlannedJudge
from harness.types import LIKERT_5, PASS_FAIL, PERCENT, RowKey, Sample, Scale
from reports.board_view import board_table
from reports.gaps import MARK, comparison_cautions, gap_cautions, legend
from reports.html import report_html
from reports.markdown import comparison_report, leaderboard_markdown
from reports.results import results_csv, results_document
from reports.run_view import ShownAnswer
from reports.wording import LANGUAGES, Language, words
from tests.reports.conftest import small_report

NAN = np.nan


def made(scores: dict[str, list[float]], scale: Scale = LIKERT_5) -> tuple[Leaderboard, ScoreTable]:
    """Return the board of models with one score per task, the first one being the baseline."""
    rows = tuple(RowKey(model=model, prompt=None) for model in scores)
    cells = np.array(list(scores.values()), dtype=float)
    table = ScoreTable(
        task="hundred",
        judge=PlannedJudge(name="judge", fingerprint="f", scale=scale),
        rows=rows,
        samples=tuple(Sample(id=str(place), inputs={"input": "x"}, tags=("t",)) for place in range(cells.shape[1])),
        cells=cells[:, :, None, None],
        reasons={row: Counter({"no verdict": int(np.isnan(one).sum())}) for row, one in zip(rows, cells, strict=True)},
        versions=frozenset(),
    )
    return build_leaderboard("run", [table], {}, baseline=next(iter(scores))), table


def one_worse(seed: int = 0, n_missing: int = 20) -> dict[str, list[float]]:
    """Return a baseline and a candidate that is worse and unscored on the hardest tasks."""
    rng = np.random.default_rng(seed)
    hard = np.sort(rng.integers(2, 6, 100)).astype(float)
    candidate = np.maximum(1, hard - (rng.random(100) < 0.4))
    candidate[:n_missing] = NAN
    return {"baseline": hard.tolist(), "candidate": candidate.tolist()}


def documents(scores: dict[str, list[float]]) -> dict[str, str]:
    """Return every document that a board is written into."""
    leaderboard, table = made(scores)
    answers = tuple(
        ShownAnswer(task=table.task, sample_id=sample.id, row=row, repeat=0, generation=None, sampling=None)
        for row in table.rows
        for sample in table.samples
    )
    report = replace(small_report(), leaderboard=leaderboard, tables=(table,), answers=answers, provenance={})
    found: dict[str, str] = {}
    for language in LANGUAGES:
        found[f"md {language}"] = leaderboard_markdown(leaderboard, {}, language=language)
        found[f"html {language}"] = report_html(report, language=language)
        found[f"compare {language}"] = comparison_report(leaderboard, language=language)
    return found


def shown(board: Board) -> list[list[str]]:
    """Return the cells of a board's table by row."""
    return [[cell.text for cell in row] for row in board_table(board, 0.95, words("en")).rows]


@pytest.mark.parametrize("seed", range(5))
def test_every_output_marks_the_row_and_says_what_it_lacks(seed: int) -> None:
    """Markdown, HTML and `compare`, in both languages: the mark, 20, 100 and 80, and the bounds of the difference."""
    scores = one_worse(seed)
    [board] = made(scores)[0].boards
    assert ["baseline", "candidate"] == [row.key.model for row in board.rows]
    [pair] = board.comparisons
    bounds = [f"{value:+.2f}" for value in (pair.result.missing.worst, pair.result.missing.best,
                                            pair.result.missing.low, pair.result.missing.high)]  # fmt: skip
    for name, text in documents(scores).items():
        assert MARK in text, name
        for figure in ("20", "100", "80", *bounds):
            assert figure in text, (name, figure)
        assert "candidate" in text


def test_the_first_row_of_every_table_is_the_better_one() -> None:
    """Although the candidate's own mean is the higher."""
    leaderboard, _ = made(one_worse(n_missing=40))
    [board] = leaderboard.boards
    own = {row.key.model: row.estimate.value for row in board.rows}
    assert own["candidate"] > own["baseline"]
    assert "baseline" in shown(board)[0]
    document = results_document(leaderboard, {})
    assert ["baseline", "candidate"] == [row["model"] for row in document["rows"]]
    assert ["baseline", "candidate"] == [row["model"] for row in csv.DictReader(io.StringIO(results_csv(document)))]


def test_the_files_for_scripts_have_the_bounds_and_the_caution() -> None:
    """results.json and its CSV: every figure, and a caution with the row's name and its number."""
    leaderboard, _ = made(one_worse())
    document = results_document(leaderboard, {})
    first, second = document["rows"]
    assert (False, True) == (first["has_gaps"], second["has_gaps"])
    assert first["comparable_mean"] == first["mean"] == first["worst_case"]
    assert second["worst_case_low"] < second["worst_case"] < second["best_case"] < second["best_case_high"]
    [pair] = document["comparisons"]
    assert (80, 20, 20, 0) == tuple(
        pair[key] for key in ("n_pairs", "n_missing", "candidate_unscored", "baseline_unscored")
    )
    assert pair["worst_case_low"] < pair["worst_case"] < pair["best_case"] < pair["best_case_high"]
    assert any(caution.startswith("no score on some of 100 tasks (candidate 20") for caution in pair["cautions"])
    [caution] = document["notices"]
    assert ("caution", "hundred") == (caution["severity"], caution["task"])
    assert ("gap.row", {"row": "candidate", "missing": 20, "total": 100}) == (caution["code"], caution["values"])
    assert caution["text"].startswith("candidate has no score on 20 of 100 tasks. Its mean of ")
    assert "rests on 80 tasks" in caution["text"]
    cells = list(csv.DictReader(io.StringIO(results_csv(document))))[1]
    assert (second["worst_case_low"], pair["best_case_high"]) == (
        float(cells["worst_case_low"]),
        float(cells["difference_best_case_high"]),
    )
    assert ("True", second["comparable_mean"]) == (cells["has_gaps"], float(cells["comparable_mean"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_board_says_nothing_of_gaps(language: Language) -> None:
    """No mark, no further column, no caution."""
    for name, text in documents({"a": [1, 2, 3, 4] * 5, "b": [2, 2, 4, 4] * 5}).items():
        assert MARK not in text, name
    [board] = made({"a": [1, 2, 3, 4] * 5, "b": [2, 2, 4, 4] * 5})[0].boards
    say = words(language)
    assert ([], [], "") == (gap_cautions(board, say), comparison_cautions(board, say), legend(board, say))


def unscored_at(rows: int, lacking: int) -> Board:
    rng = np.random.default_rng(1)
    scores = rng.integers(1, 6, (rows, 40)).astype(float)
    for row in range(1, lacking + 1):
        scores[row, : row + 1] = NAN
    return made({f"m{row}": one.tolist() for row, one in enumerate(scores)})[0].boards[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sixty_rows_share_one_caution_that_names_each(language: Language) -> None:
    """One caution, every name with its number; so for the comparisons of `compare`."""
    board = unscored_at(60, 30)
    [said] = gap_cautions(board, words(language))
    for row in range(1, 31):
        assert f"m{row} {row + 1}/40" in said
    assert "m31" not in said
    [(about, text)] = comparison_cautions(board, words(language))
    assert "" == about
    assert ["30", "59"] == sorted(re.findall(r"\d+", text))
    assert 5 == len(gap_cautions(unscored_at(60, 5), words(language)))


def test_a_baseline_with_gaps_is_named_and_all_differences_are_marked() -> None:
    """Its own row has no difference; those of the others rest on its tasks."""
    scores = one_worse()
    [board] = made({"candidate": scores["candidate"], "baseline": scores["baseline"]})[0].boards
    [said] = gap_cautions(board, words("en"))
    assert said.startswith("candidate has no score on 20 of 100 tasks.")
    assert said.endswith("Every difference to it rests on the tasks that it has scores on.")
    assert any(f"{MARK} (n = 80)" in cell for row in shown(board) for cell in row)


def test_rows_that_nothing_links_are_not_comparable() -> None:
    """No common task: said in the table, in the caution and as null in the file."""
    leaderboard, _ = made({"base": [1, 2, NAN, NAN], "apart": [NAN, NAN, 4, 5], "none": [NAN] * 4})
    [board] = leaderboard.boards
    assert "not comparable" in next(row for row in shown(board) if "apart" in row)
    assert "No task links it to the baseline" in gap_cautions(board, words("en"))[1]
    assert [1.5, None, None] == [row["comparable_mean"] for row in results_document(leaderboard, {})["rows"]]
    assert not [cell for row in shown(board) for cell in row if "nan" in cell.lower()]


@pytest.mark.parametrize("scale", [PASS_FAIL, PERCENT])
def test_other_scales(scale: Scale) -> None:
    """Pass or fail, and 0-100: bounds within the scale, Wilson where it is one."""
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 2, (2, 50)) * scale.high
    scores = np.where(rng.random(scores.shape) < 0.1, NAN, scores)
    leaderboard, _ = made({"a": scores[0].tolist(), "b": scores[1].tolist()}, scale)
    for row in results_document(leaderboard, {})["rows"]:
        ends = [row[key] for key in ("worst_case_low", "worst_case", "best_case", "best_case_high")]
        assert [scale.low, *ends, scale.high] == sorted([scale.low, *ends, scale.high])
        assert ("Wilson" in row["worst_case_method"]) == scale.is_pass_fail


def test_a_difference_that_would_not_stand_is_not_counted_without_a_word() -> None:
    """Significant on what is scored, open in the worst case: the sentence on the board says so."""
    rng = np.random.default_rng(3)
    base = rng.integers(1, 6, 100).astype(float)
    gains = np.minimum(5, base + (rng.random(100) < 0.3))
    gains[:30] = NAN
    leaderboard, _ = made({"base": base.tolist(), "new": gains.tolist()})
    text = leaderboard_markdown(leaderboard, {})
    said = r"new is better than the baseline base: \+[^\n]*p <0.001. Scores are missing: in the worst case it would not"
    assert re.search(said, text.replace("\\", ""))
    more = leaderboard_markdown(made({"base": base.tolist(), "new": gains.tolist(), "same": base.tolist()})[0], {})
    assert "Better than the baseline base: 1 of 2 rows" in more
    assert "One of these lacks scores: in the worst case it would not stand." in more


def test_means_by_tag_are_marked() -> None:
    """In the table of tags too."""
    leaderboard, _ = made(one_worse())
    tags = leaderboard_markdown(leaderboard, {}).split("Means by tag")[1]
    assert re.search(rf"candidate +\| +[\d.]+ {MARK}", tags)
    assert 1 == tags.count(MARK)
