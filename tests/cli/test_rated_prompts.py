"""People's ratings that name the prompt, on an A/B board; and scores of no person, which are not theirs."""

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import RunCli, results_of

# One person's scores of six answers under each prompt. Differences 2, 1, 2, 2, 2, 2.
PLAIN, COURSE = (2, 3, 2, 3, 2, 3), (4, 4, 4, 5, 4, 5)
TWO = ("--prompt", "plain.v1", "--prompt", "course.v1")
AB = ("ab", "--task", "six=six.jsonl", "--model", "echo", "--run", "r")


@pytest.fixture
def six(workplace: Path) -> None:
    """Six tasks, and the ratings of a model's answers to them under two prompts."""
    rows = [{"task_id": number, "input": f"問{number}", "output": "答え"} for number in range(6)]
    Path("six.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    write_ratings("plain.v1", "course.v1")


def write_ratings(plain: str, course: str, *more: str) -> None:
    lines = ["model,prompt,task_id,score"]
    for prompt, scores in ((plain, PLAIN), (course, COURSE)):
        lines += [f"echo,{prompt},{number},{score}" for number, score in enumerate(scores)]
    Path("h.csv").write_text("\n".join([*lines, *more]), encoding="utf-8")


def experiment() -> dict:
    [found] = results_of(Path(), "r")["ab"]
    return found


def test_ratings_reach_the_ab_test(run_cli: RunCli, six: None) -> None:
    """The means are 15/6 and 26/6, the difference 11/6, and course.v1 wins all six tasks."""
    ran = run_cli(*AB, *TWO, "--judge", "human:h.csv")
    assert 0 == ran.code, ran.err
    assert "Ratings by people." in ran.out
    assert {"plain.v1": 15 / 6, "course.v1": 26 / 6} == {
        cell["prompt"]: pytest.approx(cell["mean"]) for cell in experiment()["cells"]
    }
    [effect] = experiment()["effects"]
    assert (pytest.approx(11 / 6), 6, 0, 0) == tuple(effect[key] for key in ("difference", "wins", "ties", "losses"))
    assert "human" == experiment()["kind"]
    assert "0 judged anew" in run_cli(*AB, *TWO, "--judge", "human:h.csv").err


def test_a_rating_changes_only_its_prompt(run_cli: RunCli, six: None) -> None:
    """One score under one prompt raised by one: that mean moves by a sixth, the other stays."""
    run_cli(*AB, *TWO, "--judge", "human:h.csv")
    Path("h.csv").write_text(Path("h.csv").read_text().replace("course.v1,0,4", "course.v1,0,5"))
    run_cli(*AB, *TWO, "--judge", "human:h.csv")
    means = {cell["prompt"]: cell["mean"] for cell in experiment()["cells"]}
    assert {"plain.v1": pytest.approx(15 / 6), "course.v1": pytest.approx(27 / 6)} == means


def test_prompts_by_path(run_cli: RunCli, six: None) -> None:
    """The file may name a template as it was typed, by another way to write its path, or by its bare name."""
    Path("own").mkdir()
    for name in ("first", "second"):
        Path(f"own/{name}.j2").write_text(name + "{{ input }}", encoding="utf-8")
    write_ratings("first", "./own/second.j2")
    prompts = ("--prompt", "own/first.j2", "--prompt", str(Path("own/second.j2").absolute()))
    ran = run_cli(*AB, *prompts, "--judge", "human:h.csv")
    assert 0 == ran.code, ran.err
    assert [15 / 6, 26 / 6] == [pytest.approx(cell["mean"]) for cell in experiment()["cells"]]


@pytest.mark.parametrize("header", ["model,task_id,score\n", "model,prompt,task_id,score\n"])
def test_ratings_without_a_prompt_are_refused_with_a_hint(run_cli: RunCli, six: None, header: str) -> None:
    """No column or an empty one: every prompt would get the same scores, and a difference of 0."""
    empty = "," * header.count("prompt")
    Path("h.csv").write_text(header + "".join(f"echo,{empty}{number},4\n" for number in range(6)), encoding="utf-8")
    ran = run_cli(*AB, *TWO, "--judge", "human:h.csv")
    assert 2 == ran.code
    assert "name a model and not a prompt" in ran.err
    assert "Add a prompt column to the file" in ran.err


def test_what_the_run_does_not_have_is_named(run_cli: RunCli, six: None) -> None:
    """A misspelt model and a prompt of another test: by name, with what was meant."""
    write_ratings("plain.v1", "course.v1", "ehco,plain.v1,0,3", "echo,zzz,0,3")
    ran = run_cli(*AB, *TWO, "--judge", "human:h.csv")
    assert 0 == ran.code, ran.err
    assert (
        "1 row of h.csv is for models that this run does not have and was ignored (line 14): "
        "'ehco' (did you mean 'echo'?)." in ran.err
    )
    assert "1 row of h.csv is for prompts that this run does not have and was ignored (line 15): 'zzz'." in ran.err


def test_a_run_with_one_prompt_takes_the_ratings_of_that_one(run_cli: RunCli, six: None) -> None:
    """The same file on a run that has only course.v1, by `eval` and by `judge`: its mean alone."""
    arguments = ("eval", "--task", "six=six.jsonl", "--model", "echo", "--prompt", "course.v1", "--run", "r")
    assert 0 == run_cli(*arguments, "--judge", "rules").code
    ran = run_cli("judge", "r", "--judge", "human:h.csv")
    assert 0 == ran.code, ran.err
    assert (
        "6 rows of h.csv are for prompts that this run does not have and were ignored (lines 2-7): 'plain.v1'."
        in ran.err
    )
    assert {"human:h.csv": pytest.approx(26 / 6)} == {
        row["judge"]: row["mean"] for row in results_of(Path(), "r")["rows"] if row["judge"] != "rules"
    }


def test_a_filled_sheet_reaches_the_ab_test(run_cli: RunCli, six: None) -> None:
    """`rate import` writes the prompt beside each score: its file is one that `ab` reads, with the same means."""
    assert 0 == run_cli(*AB, *TWO, "--judge", "rules").code
    [sheet] = run_cli("rate", "export", "r", "--sample", "6").out.splitlines()
    lines = Path(sheet).read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    assert "plain.v1" not in lines  # blind: the prompt stays in the key
    with Path(sheet).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        number = int(row["task"].removeprefix("問"))
        row["score"] = str((COURSE if "指示" in row["answer"] else PLAIN)[number])
    with Path(sheet).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert 0 == run_cli("rate", "import", "r", sheet).code
    ran = run_cli(
        "ab", "--task", "six=six.jsonl", "--model", "echo", *TWO, "--judge", "human:runs/r/ratings.csv", "--run", "s"
    )
    assert 0 == ran.code, ran.err
    [found] = results_of(Path(), "s")["ab"]
    assert [15 / 6, 26 / 6] == [pytest.approx(cell["mean"]) for cell in found["cells"]]


def test_scores_of_no_person_are_not_called_theirs(run_cli: RunCli, six: None) -> None:
    """`scores:h.csv` has the figures of `human:h.csv`; no page says that people gave them, nor does the audit."""
    ran = run_cli(*AB, *TWO, "--judge", "scores:h.csv", "--max-cost", "0.01")
    assert 0 == ran.code, ran.err
    assert ("quality", "file", 15 / 6) == (
        experiment()["kind"], experiment()["scored_by"], pytest.approx(experiment()["cells"][0]["mean"]),
    )  # fmt: skip
    pages = [ran.out, Path("runs/r/leaderboard.md").read_text(encoding="utf-8"), run_cli("audit", "r").out]
    pages.append(Path("runs/r/report.html").read_text(encoding="utf-8"))
    for page in pages:
        assert "Scores from a file" in page
        assert "Ratings by people" not in page
        assert "language-model judge" not in page
    assert json.loads(run_cli("audit", "r", "--json").out)["human"] is None


def test_scores_that_cannot_be_used(run_cli: RunCli, six: None) -> None:
    """Off the scale and blank: unscored and listed by line; with nothing usable the command ends with 1."""
    Path("s.csv").write_text(
        "model,task_id,score\n" + "".join(f"echo,{n},{s}\n" for n, s in enumerate(["", 9, 4, "x", 5, 1]))
    )
    arguments = ("eval", "--task", "six=six.jsonl", "--model", "echo", "--run", "r")
    ran = run_cli(*arguments, "--judge", "scores:s.csv")
    assert 3 == ran.code
    assert (
        "3 of 6 scores in s.csv cannot be used: 1 blank (line 2), 1 outside the 1-5 scale (line 3), 1 not a number"
        in ran.err
    )
    [row] = results_of(Path(), "r")["rows"]
    assert (pytest.approx(10 / 3), 3, 3) == (row["mean"], row["n"], row["n_unscored"])
    Path("s.csv").write_text("model,task_id,score\necho,0,9\necho,1,\n")
    ran = run_cli(*arguments, "--judge", "scores:s.csv")
    assert (1, True) == (ran.code, "none of the 2 scores for this run can be used" in ran.err)
    assert "[judges.scores] scale" in ran.err


def test_judge_adds_ratings_to_the_ab_test_of_a_run(run_cli: RunCli, six: None) -> None:
    """`harness judge` on a run of `ab`: people's figures join its A/B section, those that name no prompt do not."""
    assert 0 == run_cli(*AB, *TWO, "--judge", "rules").code
    ran = run_cli("judge", "r", "--judge", "human:h.csv")
    assert 0 == ran.code, ran.err
    found = {one["judge"]: one for one in results_of(Path(), "r")["ab"]}
    assert {"rules", "human:h.csv"} == set(found)
    assert pytest.approx(11 / 6) == found["human:h.csv"]["effects"][0]["difference"]
    Path("alike.csv").write_text("model,task_id,score\n" + "".join(f"echo,{n},4\n" for n in range(6)))
    assert 0 == run_cli("judge", "r", "--judge", "human:alike.csv").code
    assert set(found) == {one["judge"] for one in results_of(Path(), "r")["ab"]}
