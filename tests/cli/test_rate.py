"""`harness rate`: from a run to blind sheets and back, with people as a judge of the run."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.conftest import RunCli, reasons_of, results_of

TASKS = 30
SCORES = {"plain": 2, "better": 4}


@pytest.fixture
def run(run_cli: RunCli, workplace: Path) -> RunCli:
    """A finished run `r`: two models, thirty tasks."""
    Path("tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": n, "input": f"質問{n}", "output": f"正解{n}"}) + "\n" for n in range(TASKS)),
        encoding="utf-8",
    )
    rows = [{"model": model, "task_id": n, "output": f"{model} の答え{n}"} for model in SCORES for n in range(TASKS)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli(
        "eval", "--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "reference", "--run", "r"
    )
    assert 0 == ran.code, ran.err
    return run_cli


def fill(path: Path, score: Callable[[dict[str, str]], object]) -> Path:
    """Fill a sheet in place."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"score": str(score(row)), "comment": "=読んだ"} for row in rows)
    return path


def by_model(row: dict[str, str]) -> int:
    return SCORES[row["answer"].split(" ")[0]]


def sheets(ran_out: str) -> list[Path]:
    return [Path(line) for line in ran_out.splitlines()]


def human_rows() -> dict[str, dict]:
    return {row["model"]: row for row in results_of(Path(), "r")["rows"] if row["judge"] == "human"}


def test_from_sheets_to_a_judge_of_the_run(run: RunCli) -> None:
    """Two raters fill their sheets; the run has a judge `human` with their means beside the judge that it had."""
    ran = run("rate", "export", "r", "--raters", "2", "--sample", "20")
    assert 0 == ran.code, ran.err
    assert "20 of 30 tasks drawn at random (seed 0)" in ran.err
    assert "2 models, 40 answers to rate for each of 2 raters" in ran.err
    first, second = sheets(ran.out)
    assert {Path("runs/r/rating").absolute()} == {first.parent, second.parent}
    fill(first, by_model)
    fill(second, lambda row: by_model(row) + (by_model(row) == 4))
    imported = run("rate", "import", "r", str(first), str(second))
    assert 0 == imported.code, imported.err
    assert "80 ratings of 40 answers by 2 raters." in imported.out
    assert "50 %" in imported.out  # equal on the plain model's answers alone
    rows = human_rows()
    assert {"plain": (2.0, 20, 10), "better": (4.5, 20, 10)} == {
        model: (row["mean"], row["n"], row["n_unscored"]) for model, row in rows.items()
    }
    assert {"human"} == {row["kind"] for row in rows.values()}
    assert {"not drawn for rating": 10} == reasons_of(rows["plain"])
    assert {"reference", "human"} == {row["judge"] for row in results_of(Path(), "r")["rows"]}
    again = run("rate", "import", "r", str(first), str(second))
    assert (0, imported.out) == (again.code, again.out)


def test_a_bundle_carries_what_people_rated(run: RunCli) -> None:
    """The audit of a bundle, also of a bundle's bundle, says of the raters what the run's audit says."""
    ran = run("rate", "export", "r", "--raters", "2", "--sample", "20")
    assert 0 == ran.code, ran.err
    filled = [str(fill(sheet, by_model)) for sheet in sheets(ran.out)]
    assert 0 == run("rate", "import", "r", *filled).code
    there = run("audit", "r").out
    assert 0 == run("export", "r", "--bundle", "r.zip").code
    assert 0 == run("export", "r.zip", "--bundle", "again.zip").code
    shutil.rmtree("runs")
    assert "2 raters" in there
    assert there == run("audit", "r.zip").out == run("audit", "again.zip").out


def test_sheets_as_workbooks(run: RunCli) -> None:
    """`--format xlsx`: filled in a spreadsheet program and read back, they give the same figures as CSV sheets."""
    ran = run("rate", "export", "r", "--sample", "12", "--format", "xlsx", "--output", "sheets")
    assert 0 == ran.code, ran.err
    [path] = sheets(ran.out)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        row[names.index("score")].value = SCORES[str(row[names.index("answer")].value).split(" ")[0]]
    book.save(path)
    [rule] = sheet.data_validations.dataValidation
    letter = "ABCDEFG"[names.index("score")]
    assert ('"1,2,3,4,5"', f"{letter}2") == (rule.formula1, str(rule.sqref).split(":")[0])
    assert ["rating", "How to rate"] == book.sheetnames
    assert "5: correct, and useful to its reader" in [row[0].value for row in book.worksheets[1].iter_rows()]
    assert 1 == run("rate", "export", "r", "--sample", "12", "--format", "xlsx", "--output", "sheets").code
    imported = run("rate", "import", "r", str(path))
    assert 0 == imported.code, imported.err
    assert {"plain": (2.0, 12), "better": (4.0, 12)} == {
        model: (row["mean"], row["n"]) for model, row in human_rows().items()
    }


def test_the_draw_is_on_record(run: RunCli) -> None:
    """Seed, population and chosen tasks are in the manifest, and the key stays in the run's folder."""
    ran = run("rate", "export", "r", "--sample", "20", "--seed", "4")
    [sheet] = sheets(ran.out)
    tag = sheet.name.split("-")[1]
    key = json.loads(Path(f"runs/r/rating-key-{tag}.json").read_text(encoding="utf-8"))
    assert {"plain", "better"} == {row["model"] for item in key["items"] for row in item["rows"]}
    assert "plain" not in "".join(row["item"] for row in csv.DictReader(sheet.open(encoding="utf-8-sig")))
    run("rate", "import", "r", str(fill(sheet, by_model)))
    manifest = json.loads(Path("runs/r/manifest.json").read_text(encoding="utf-8"))
    [joined] = manifest["joined"]
    assert ("human", 4, tag) == (joined["judge"], joined["draw"]["seed"], joined["draw"]["tag"])
    assert [str(n) for n in range(TASKS)] == joined["draw"]["population"]["mine"]
    assert 20 == len(joined["draw"]["chosen"]["mine"])


def test_the_ratings_file_is_one_that_the_judge_human_reads(run: RunCli) -> None:
    """`--judge human:runs/r/ratings.csv` gives the same figures as the import."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20").out)
    run("rate", "import", "r", str(fill(sheet, by_model)))
    ran = run("judge", "r", "--judge", "human:runs/r/ratings.csv", "--max-unscored", "20")
    assert 0 == ran.code, ran.err
    rows = results_of(Path(), "r")["rows"]
    figures = {
        judge: {row["model"]: (row["mean"], row["low"], row["high"], row["n"]) for row in rows if row["judge"] == judge}
        for judge in ("human", "human:runs/r/ratings.csv")
    }
    assert figures["human"] == figures["human:runs/r/ratings.csv"]


def test_a_second_rater_may_come_later(run: RunCli) -> None:
    """Each sheet imported by itself: the board has both raters; the evaluation run again keeps them."""
    first, second = sheets(run("rate", "export", "r", "--raters", "2", "--sample", "20").out)
    run("rate", "import", "r", str(fill(first, lambda _: 2)))
    assert 2.0 == human_rows()["plain"]["mean"]
    late = run("rate", "import", "r", str(fill(second, lambda _: 5)))
    assert "by 2 raters" in late.out
    assert 3.5 == human_rows()["plain"]["mean"]
    corrected = run("rate", "import", "r", str(fill(second, lambda _: 3)))
    assert "earlier ratings of rater 2 are replaced" in corrected.err
    assert 2.5 == human_rows()["plain"]["mean"]
    arguments = ("--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "reference")
    run("eval", *arguments, "--run", "r")
    assert 2.5 == human_rows()["plain"]["mean"]


def test_a_bad_sheet_changes_nothing(run: RunCli) -> None:
    """The error names file, line and value; the run has no new judge."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20").out)
    scores = iter([3, 6])
    fill(sheet, lambda _: next(scores, 3))
    files = sorted(path.name for path in Path("runs/r").iterdir())
    ran = run("rate", "import", "r", str(sheet))
    assert 1 == ran.code
    assert f"Error: {sheet}:3: score 6 of item" in ran.err
    assert ({}, files) == (human_rows(), sorted(path.name for path in Path("runs/r").iterdir()))


def test_sheets_of_another_run_are_refused(run: RunCli) -> None:
    """A sheet that was exported from run `r` is not taken into run `s`."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20").out)
    arguments = ("--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "reference")
    run("eval", *arguments, "--run", "s")
    ran = run("rate", "import", "s", str(fill(sheet, by_model)))
    assert 1 == ran.code
    assert "were not exported from the run 's'" in ran.err


def test_two_draws_are_not_mixed(run: RunCli) -> None:
    """Ratings of another draw than the imported one are refused until those are moved away."""
    [one] = sheets(run("rate", "export", "r", "--sample", "20", "--seed", "1").out)
    [two] = sheets(run("rate", "export", "r", "--sample", "20", "--seed", "2").out)
    assert 0 == run("rate", "import", "r", str(fill(one, by_model))).code
    ran = run("rate", "import", "r", str(fill(two, by_model)))
    assert (1, True) == (ran.code, "holds ratings of another export" in ran.err)


def test_a_sheet_that_somebody_has_filled_is_not_overwritten(run: RunCli) -> None:
    """The same export again leaves an untouched sheet as it is and refuses to touch a filled one."""
    ran = run("rate", "export", "r", "--sample", "20", "--output", "sheets")
    assert 0 == run("rate", "export", "r", "--sample", "20", "--output", "sheets").code
    [sheet] = sheets(ran.out)
    assert Path("sheets").absolute() == sheet.parent
    fill(sheet, by_model)
    again = run("rate", "export", "r", "--sample", "20", "--output", "sheets")
    assert (1, True) == (again.code, "somebody has written in it" in again.err)


def test_every_prompt_of_a_model_has_its_own_ratings(run: RunCli) -> None:
    """One model under two prompts: the sheet holds both answers, and each row gets the scores of its own."""
    arguments = ("--task", "mine=tasks.jsonl", "--model", "echo", "--prompt", "course.v1", "--prompt", "plain.v1")
    assert 0 == run("eval", *arguments, "--judge", "rules", "--run", "p").code
    [sheet] = sheets(run("rate", "export", "p", "--sample", "25").out)
    ran = run("rate", "import", "p", str(fill(sheet, lambda row: 5 if "指示" in row["answer"] else 2)))
    assert 0 == ran.code, ran.err
    rows = [row for row in results_of(Path(), "p")["rows"] if row["judge"] == "human"]
    assert {"course.v1": 5.0, "plain.v1": 2.0} == {row["prompt"]: row["mean"] for row in rows}


def test_only_some_models(run: RunCli) -> None:
    """--model leaves the others out of the sheets; their answers are unscored afterwards."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20", "--model", "better").out)
    run("rate", "import", "r", str(fill(sheet, by_model)))
    assert {"better": 20, "plain": 0} == {model: row["n"] for model, row in human_rows().items()}


def test_blanks_are_not_rated(run: RunCli) -> None:
    """Two of forty answers without a score: named, counted as unscored, and no longer a random part."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20").out)
    left = iter(["", "　"])
    fill(sheet, lambda row: next(left, "４点") if row["answer"].startswith("better") else "2")
    ran = run("rate", "import", "r", str(sheet))
    assert 0 == ran.code, ran.err
    assert "Note: rater 1 gave no score to 2 of 40 items" in ran.err
    assert "38 ratings of 40 answers by 1 rater." in ran.out
    rows = human_rows()
    assert {"plain": (2.0, 20, 10), "better": (4.0, 18, 12)} == {
        model: (row["mean"], row["n"], row["n_unscored"]) for model, row in rows.items()
    }
    audit = json.loads(run("audit", "r", "--json").out)
    [anchored] = audit["tasks"][0]["anchorings"] or [{"drawn_at_random": False}]
    assert anchored["drawn_at_random"] is False
    again = run("rate", "import", "r", str(fill(sheet, by_model)))
    assert "earlier ratings of rater 1 are replaced" in again.err
    assert (4.0, 20) == (human_rows()["better"]["mean"], human_rows()["better"]["n"])


def test_half_points_by_configuration(run: RunCli) -> None:
    """3.5 is refused with row and value, and taken where harness.toml says that the scale has halves."""
    [sheet] = sheets(run("rate", "export", "r", "--sample", "20").out)
    fill(sheet, lambda _: "3.5")
    ran = run("rate", "import", "r", str(sheet))
    assert 1 == ran.code
    assert f"{sheet}:2: score 3.5 of item" in ran.err
    assert "[judges.human] step = 0.5" in ran.err
    Path("harness.toml").write_text("[judges.human]\nstep = 0.5\n")
    ran = run("rate", "import", "r", str(sheet))
    assert 0 == ran.code, ran.err
    assert {3.5} == {row["mean"] for row in human_rows().values()}


def test_the_tab_of_a_workbook_speaks_japanese_and_half_points(run: RunCli) -> None:
    """--lang chooses its language; harness.toml the points that the cells offer."""
    Path("harness.toml").write_text("[judges.human]\nstep = 0.5\n")
    ran = run("--lang", "ja", "rate", "export", "r", "--sample", "20", "--format", "xlsx", "--output", "sheets")
    assert 0 == ran.code, ran.err
    book = openpyxl.load_workbook(ran.out.strip())
    assert ["rating", "採点のしかた"] == book.sheetnames
    [rule] = book.worksheets[0].data_validations.dataValidation
    assert '"1,1.5,2,2.5,3,3.5,4,4.5,5"' == rule.formula1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("page", "nowhere"), 2, "No run named 'nowhere'."),
        (("page", "r", "--sample", "31"), 1, "31 tasks of mine are to be drawn, but 30"),
        (("export", "nowhere"), 2, "No run named 'nowhere'."),
        (("export", "r", "--sample", "31"), 1, "31 tasks of mine are to be drawn, but 30"),
        (("export", "r", "--sample", "0"), 2, "0 is not in the range"),
        (("export", "r", "--raters", "0"), 2, "'0' is neither a number nor names"),
        (("export", "r", "--model", "bettr"), 2, "Did you mean 'better'?"),
        (("import", "r"), 1, "Nothing was drawn from the run 'r' for rating yet."),
        (("import", "r", "none.csv"), 1, "no such file"),
        (("import", "r", "answers.jsonl"), 1, "no column 'item'"),
    ],
)
def test_wrong_input(run: RunCli, arguments: tuple[str, ...], code: int, said: str) -> None:
    """A sentence and an exit code."""
    ran = run("rate", *arguments)
    assert (code, True, False) == (ran.code, said in ran.err, "Traceback" in ran.err), ran.err
