"""Pages to compare on, from the draw to the figures; and files of people's verdicts."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

import harness
from tests.conftest import RunCli, results_of

N = 10


@pytest.fixture
def evaluated(workplace: Path, run_cli: RunCli) -> Path:
    """A run of three models on ten tasks; the answers say whose they are, for the test alone."""
    (workplace / "t.jsonl").write_text("".join(f'{{"task_id": {n}, "input": "問{n}"}}\n' for n in range(N)))
    specs = []
    for name in ("base", "good", "bad"):
        rows = [{"task_id": n, "output": f"{name}の答え{n}"} for n in range(N)]
        (workplace / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        specs += ["--model", f"{name}=outputs:{name}.jsonl"]
    run_cli("eval", "--task", "t=t.jsonl", *specs, "--judge", "rules", "--run", "r")
    return workplace


def data_of(path: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def filled(path: Path, prefer: tuple[str, ...], *, first_of: int | None = None) -> Path:
    """What a rater of a page saves who prefers models in this order."""
    data = data_of(path)
    ratings = []
    for item, _, answers, *_ in data["items"][:first_of]:
        ranks = [prefer.index(answer.partition("の")[0]) for answer in answers]
        ratings.append({"item": item, "score": 1 if ranks[0] < ranks[1] else 0})
    file = {"format": "harness ratings", "schema": 1, "tag": data["tag"], "rater": data["rater"],
            "page": data["page"], "scale": data["scale"], "ratings": ratings}  # fmt: skip
    target = path.with_suffix(".json")
    target.write_text(json.dumps(file), encoding="utf-8")
    return target


def pages(folder: Path) -> list[Path]:
    return sorted((folder / "runs" / "r" / "rating").glob("pairs-*.html"))


def test_from_the_page_to_the_figures(evaluated: Path, run_cli: RunCli) -> None:
    """Two raters, one of them in two parts: the right models win, beside the board, with no effect of place."""
    assert run_cli("rate", "page", "r", "--pairs", "--raters", "2").code == 0
    one, two = pages(evaluated)
    text = one.read_text(encoding="utf-8")
    assert "outputs:" not in text
    part = run_cli("rate", "import", "r", str(filled(one, ("good", "base", "bad"), first_of=7)))
    assert part.code == 0
    assert "7 verdicts by 1 rater, 0 skipped, 33 not compared yet" in part.out
    whole = [str(filled(page, ("good", "base", "bad"))) for page in (one, two)]
    assert "40 verdicts by 2 raters" in run_cli("rate", "import", "r", *whole).out
    (found,) = results_of(evaluated, "r")["pairwise"]
    assert (found["judge"], found["kind"], found["raters"], found["verdicts"]) == ("human", "human", 2, 40)
    assert {one["candidate"]["model"]: (one["wins"], one["losses"]) for one in found["comparisons"]} == {
        "good": (10, 0), "bad": (0, 10),
    }  # fmt: skip
    assert found["position"]["value"] == 0
    assert (found["position"]["pairs"], found["position"]["changed"]) == (20, 0)
    assert {row["judge"] for row in results_of(evaluated, "r")["rows"]} == {"rules"}
    assert "compared by people" in (evaluated / "runs" / "r" / "leaderboard.md").read_text(encoding="utf-8")


def test_a_rater_who_compares_again_replaces_what_was(evaluated: Path, run_cli: RunCli) -> None:
    """The other rater's stay."""
    run_cli("rate", "page", "r", "--pairs", "--raters", "2")
    one, two = pages(evaluated)
    for page in (one, two):
        run_cli("rate", "import", "r", str(filled(page, ("good", "base", "bad"))))
    run_cli("rate", "import", "r", str(filled(one, ("bad", "base", "good"))))
    (found,) = results_of(evaluated, "r")["pairwise"]
    assert found["verdicts"] == 40
    assert {one["win_rate"] for one in found["comparisons"]} == {0.5}


def test_a_changed_run_refuses_its_pages(evaluated: Path, run_cli: RunCli) -> None:
    """Their raters saw other answers; nothing is taken in."""
    run_cli("rate", "page", "r", "--pairs")
    (page,) = pages(evaluated)
    saved = filled(page, ("good", "base", "bad"))
    (evaluated / "good.jsonl").write_text("".join(f'{{"task_id": {n}, "output": "new{n}"}}\n' for n in range(N)))
    specs = [part for name in ("base", "good", "bad") for part in ("--model", f"{name}=outputs:{name}.jsonl")]
    run_cli("eval", "--task", "t=t.jsonl", *specs, "--judge", "rules", "--run", "r", "--overwrite")
    ran = run_cli("rate", "import", "r", str(saved))
    assert ran.code == 1
    assert "has other answers now" in ran.err
    assert results_of(evaluated, "r")["pairwise"] == []


def test_scores_and_pairs_are_imported_one_after_the_other(evaluated: Path, run_cli: RunCli) -> None:
    """A run may have both; one command takes one kind."""
    run_cli("rate", "page", "r")
    run_cli("rate", "page", "r", "--pairs")
    (page,) = pages(evaluated)
    (scores,) = (evaluated / "runs" / "r" / "rating").glob("page-*.html")
    data = data_of(scores)
    single = scores.with_suffix(".json")
    single.write_text(
        json.dumps({"format": "harness ratings", "schema": 1, "tag": data["tag"], "rater": data["rater"],
                    "page": data["page"], "scale": data["scale"],
                    "ratings": [{"item": item[0], "score": 4} for item in data["items"]]})
    )  # fmt: skip
    both = run_cli("rate", "import", "r", str(single), str(filled(page, ("good", "base", "bad"))))
    assert both.code == 1
    assert "one after the other" in both.err
    assert run_cli("rate", "import", "r", str(single)).code == 0
    assert run_cli("rate", "import", "r", str(page.with_suffix(".json"))).code == 0
    assert len(results_of(evaluated, "r")["pairwise"]) == 1
    assert {row["judge"] for row in results_of(evaluated, "r")["rows"]} == {"rules", "human"}


def test_a_file_of_verdicts_is_a_judge(evaluated: Path, run_cli: RunCli) -> None:
    """``human:FILE`` with the columns of pairs; the order in which answers were shown is that of the file."""
    with (evaluated / "said.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model_a", "model_b", "task_id", "verdict", "rater", "order"])
        for n in range(N):
            writer.writerow(["good", "base", n, "A" if n < 8 else "tie", "x", "AB" if n % 2 else "BA"])
    ran = run_cli("judge", "r", "--judge", "human:said.csv")
    assert ran.code == 0, ran.err
    (found,) = results_of(evaluated, "r")["pairwise"]
    (one,) = found["comparisons"]
    assert (found["judge"], one["wins"], one["ties"], one["win_rate"]) == ("human:said.csv", 8, 2, 0.9)
    assert harness.load_run("r").judges[0].name == "rules"
    (evaluated / "said.csv").write_text("model_a,model_b,task_id,verdict\ngood,base,0,maybe\n")
    wrong = run_cli("judge", "r", "--judge", "human:said.csv")
    assert wrong.code == 1
    assert "said.csv:2" in wrong.err
    assert results_of(evaluated, "r")["pairwise"] == [found]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--pairs", "anchors:x"), "neither baseline nor all"), (("--pairs", "--model", "nobody"), "nobody"),
     (("--pairs", "--model", "good"), "nothing to compare"), (("--pairs", "--sample", "99"), "99 tasks")],
)  # fmt: skip
def test_wrong_draws_are_sentences(evaluated: Path, run_cli: RunCli, arguments: tuple[str, ...], said: str) -> None:
    """Nothing is written."""
    ran = run_cli("rate", "page", "r", *arguments)
    assert ran.code in {1, 2}
    assert said in ran.err
    assert pages(evaluated) == []
