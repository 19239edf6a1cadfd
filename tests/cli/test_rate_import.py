"""`harness rate page` and what comes back from its pages: parts, skips, refusals, and the right model and prompt."""

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCli, reasons_of, results_of

TASKS = 40
SCORES = {"weak-7b": 2, "strong-7b": 4}


def evaluate(run_cli: RunCli, *, changed: Mapping[int, str] | None = None, options: tuple[str, ...] = ()) -> None:
    rows = [
        {"model": model, "task_id": n, "output": (changed or {}).get(n, f"{model[0]} の答え{n}")}
        for model in SCORES
        for n in range(TASKS)
    ]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ran = run_cli(
        "eval", "--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "scores:judge.csv",
        "--run", "r", *options,
    )  # fmt: skip
    assert 0 == ran.code, ran.err


@pytest.fixture
def run(run_cli: RunCli, workplace: Path) -> RunCli:
    """A finished run `r`: two models, forty tasks, a judge on the scale of people."""
    Path("tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": n, "input": f"質問{n}", "eval_aspect": "要点"}) + "\n" for n in range(TASKS)),
        encoding="utf-8",
    )
    with Path("judge.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "task_id", "score"])
        writer.writerows(
            [model, n, 1 + (n * (3 if model == "weak-7b" else 5)) % 5] for model in SCORES for n in range(TASKS)
        )
    evaluate(run_cli)
    return run_cli


Said = Mapping[str, Any] | None


def saved(page: Path, to: str, say: Callable[[int, str], Said]) -> str:
    """Write the file that a page would save; ``say`` gets an answer's place from 1 and its text."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    ratings = [
        {"item": item[0], **said}
        for place, item in enumerate(data["items"], 1)
        if (said := say(place, item[2])) is not None
    ]
    own = {key: data[key] for key in ("tag", "rater", "page", "scale")}
    Path(to).write_text(json.dumps({"format": "harness ratings", "schema": 1, **own, "ratings": ratings}))
    return to


def by_model(_: int, answer: str) -> Said:
    return {"score": 2 if answer.startswith("w") else 4}


def with_part(first: int, last: int) -> Callable[[int, str], Said]:
    return lambda place, answer: by_model(place, answer) if first <= place <= last else None


def pages(run: RunCli, *options: str) -> list[Path]:
    ran = run("rate", "page", "r", *options)
    assert 0 == ran.code, ran.err
    return [Path(line) for line in ran.out.splitlines()]


def human_rows() -> dict[str, dict]:
    return {row["model"]: row for row in results_of(Path(), "r")["rows"] if row["judge"] == "human"}


def test_pages_are_blind_and_in_an_order_of_their_own(run: RunCli) -> None:
    """No label of a model is in a file; three raters have three orders, which the key in the run's folder records."""
    three = pages(run, "--raters", "3", "--sample", "25")
    texts = [page.read_text("utf-8") for page in three]
    assert not [text for text in texts if "weak" in text or "strong" in text or "answers.jsonl" in text]
    tag = three[0].name.split("-")[1]
    key = json.loads(Path(f"runs/r/rating-key-{tag}.json").read_text("utf-8"))
    for rater, text in enumerate(texts, 1):
        shown = re.findall(r'\["([a-z]{10})","質問', text)
        assert [item["id"] for item in key["items"] if item["rater"] == str(rater)] == shown
    orders = {tuple(re.findall(r'"(質問\d+)"', text)) for text in texts}
    assert 3 == len(orders)
    assert [page.read_bytes() for page in three] == [
        page.read_bytes() for page in pages(run, "--raters", "3", "--sample", "25")
    ]


def test_ratings_reach_board_audit_and_interval(run: RunCli) -> None:
    """Two raters, every answer: the means are those of the right models, and the anchored difference is theirs."""
    first, second = pages(run, "--raters", "2", "--sample", "25")
    one = saved(first, "1.json", by_model)
    two = saved(
        second, "2.json", lambda place, answer: {"score": 2 if answer.startswith("w") else 5, "comment": "=良い"}
    )
    ran = run("rate", "import", "r", one, two)
    assert 0 == ran.code, ran.err
    assert "100 ratings of 50 answers by 2 raters." in ran.out
    assert "Missing" not in ran.err
    assert {"weak-7b": (2.0, 25), "strong-7b": (4.5, 25)} == {
        model: (row["mean"], row["n"]) for model, row in human_rows().items()
    }
    [task] = json.loads(run("audit", "r", "--json").out)["tasks"]
    [anchored] = task["anchorings"]
    [difference] = anchored["differences"]
    assert anchored["drawn_at_random"] is True
    estimate = difference["estimate"]["population"]
    assert 2.5 == pytest.approx(estimate["value"])
    assert "=良い" in Path("runs/r/ratings.csv").read_text("utf-8-sig")


def test_parts_add_up(run: RunCli) -> None:
    """A part says what is missing and which answers to rate next; a second part of the same rater adds to it."""
    [page] = pages(run, "--sample", "25")
    ran = run("rate", "import", "r", saved(page, "a.json", with_part(1, 31)))
    assert 0 == ran.code, ran.err
    assert "31 ratings of 31 answers by 1 rater." in ran.out
    assert "15 of 25 drawn tasks are rated whole." in ran.err
    assert "Missing for an interval of what people would say (20 tasks): 9 scores;" in ran.err
    assert "for the whole draw: 19 scores." in ran.err
    assert "Rate next, rater 1: answers 32, " in ran.err
    for row in human_rows().values():
        assert 15 == reasons_of(row)["not drawn for rating"]
        assert 25 - row["n"] == reasons_of(row)["this answer was not rated"]
    more = run("rate", "import", "r", saved(page, "b.json", with_part(32, 50)))
    assert "50 ratings of 50 answers by 1 rater." in more.out
    assert "replaced" not in more.err
    again = run("rate", "import", "r", saved(page, "c.json", lambda place, _: {"score": 1} if place == 1 else None))
    assert "earlier ratings of rater 1 are replaced" in again.err
    assert "50 ratings of 50 answers" in again.out


def test_parts_that_disagree_are_refused(run: RunCli) -> None:
    """In one import nobody can say which file is the later one."""
    [page] = pages(run, "--sample", "25")
    one = saved(page, "a.json", lambda *_: {"score": 1})
    two = saved(page, "b.json", lambda *_: {"score": 2})
    ran = run("rate", "import", "r", one, two)
    assert (1, True) == (ran.code, "is rated otherwise in a.json" in ran.err)
    assert {} == human_rows()


def test_skips_keep_their_reason(run: RunCli) -> None:
    """A skipped answer is unscored with the reason on the board, also when others' files come later."""
    first, second = pages(run, "--raters", "2", "--sample", "25")
    answers: list[str] = []

    def skip_first(place: int, answer: str) -> Said:
        answers.append(answer)
        return {"skip": "cannot_judge", "comment": "専門外"} if place == 1 else by_model(place, answer)

    ran = run("rate", "import", "r", saved(first, "1.json", skip_first))
    assert 0 == ran.code, ran.err
    assert "rater 1 gave no score to 1 of 50 items" in ran.err
    skipped = human_rows()["weak-7b" if answers[0].startswith("w") else "strong-7b"]
    assert 1 == reasons_of(skipped)["skipped by who was to rate it: cannot judge it"]
    later = run(
        "rate",
        "import",
        "r",
        saved(second, "2.json", lambda place, text: by_model(place, text) if text != answers[0] else None),
    )
    assert 0 == later.code, later.err
    skipped = human_rows()["weak-7b" if answers[0].startswith("w") else "strong-7b"]
    assert 1 == reasons_of(skipped)["skipped by who was to rate it: cannot judge it"]


def test_a_changed_run_refuses_the_ratings_of_its_old_answers(run: RunCli) -> None:
    """The message names the run, the rater and the answers; nothing is imported."""
    [page] = pages(run, "--sample", "25")
    file = saved(page, "1.json", by_model)
    evaluate(run, changed=dict.fromkeys(range(TASKS), "全部変わった"), options=("--overwrite",))
    ran = run("rate", "import", "r", file)
    assert 1 == ran.code
    assert "the run 'r' has other answers now than rater 1 saw: " in ran.err
    assert {} == human_rows()
    assert (
        0 == run("rate", "import", "r", saved(pages(run, "--sample", "25")[0], "2.json", lambda *_: {"score": 3})).code
    )


def test_a_page_and_a_sheet_of_one_draw_go_together(run: RunCli) -> None:
    """Rater 1 on the page, rater 2 in a spreadsheet: the same draw, one import."""
    page, _ = pages(run, "--raters", "2", "--sample", "25")
    sheet = Path(run("rate", "export", "r", "--raters", "2", "--sample", "25").out.splitlines()[1])
    with sheet.open(newline="", encoding="utf-8-sig") as file:
        rows = [row | {"score": "3"} for row in csv.DictReader(file)]
    with sheet.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    one = saved(page, "1.json", by_model)
    ran = run("rate", "import", "r", one, str(sheet))
    assert 0 == ran.code, ran.err
    assert {"weak-7b": 2.5, "strong-7b": 3.5} == {model: row["mean"] for model, row in human_rows().items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rater": "9"}, "the draw has no rater '9'"),
        ({"tag": "zzzz"}, "items that begin with 'zzzz' were not exported from the run 'r'"),
        ({"tag": "../x"}, "were not exported from the run 'r'"),
        ({"page": "0" * 64}, "rater 1 saw other tasks or answers"),
        ({"schema": 2}, "schema"),
        ({"ratings": []}, "nothing is rated"),
        ({"format": "x"}, "format"),
    ],
)
def test_wrong_files(run: RunCli, change: dict[str, Any], said: str) -> None:
    """A sentence and exit code 1; the run has no new judge."""
    [page] = pages(run, "--sample", "25")
    file = Path(saved(page, "1.json", by_model))
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    ran = run("rate", "import", "r", str(file))
    assert (1, True, False) == (ran.code, said in ran.err, "Traceback" in ran.err), ran.err
    assert {} == human_rows()


def test_skips_alone_are_no_ratings(run: RunCli) -> None:
    """Whoever skipped everything has rated nothing: said, and no judge is made of it."""
    [page] = pages(run, "--sample", "25")
    ran = run("rate", "import", "r", saved(page, "1.json", lambda *_: {"skip": "other"}))
    assert (1, True) == (ran.code, "no answer has a score" in ran.err), ran.err


def test_half_points_are_those_of_the_configuration(run: RunCli) -> None:
    """The page offers them, its file is read, and a page made before is refused by its scale."""
    [before] = pages(run, "--sample", "25")
    old = saved(before, "0.json", by_model)
    Path("harness.toml").write_text("[judges.human]\nstep = 0.5\n")
    [page] = pages(run, "--sample", "25")
    assert 9 == page.read_text("utf-8").count('data-point="')
    refused = run("rate", "import", "r", old)
    assert (1, True) == (refused.code, "the page's scale is 1-5 in steps of 1.0" in refused.err)
    ran = run("rate", "import", "r", saved(page, "1.json", lambda *_: {"score": 3.5}))
    assert 0 == ran.code, ran.err
    assert {3.5} == {row["mean"] for row in human_rows().values()}


def test_each_prompt_gets_its_own_ratings(run: RunCli) -> None:
    """An A/B test of two prompts, rated on the page: people's cells and their effect are those of the right prompts."""
    arguments = ("--task", "mine=tasks.jsonl", "--model", "echo", "--prompt", "course.v1", "--prompt", "plain.v1")
    assert 0 == run("ab", *arguments, "--judge", "rules", "--run", "p", "--max-unscored", "80").code
    page = Path(run("rate", "page", "p", "--sample", "25").out.strip())
    ran = run("rate", "import", "p", saved(page, "p.json", lambda _, text: {"score": 5 if "指示" in text else 2}))
    assert 0 == ran.code, ran.err
    [people] = [one for one in results_of(Path(), "p")["ab"] if one["judge"] == "human"]
    assert {"course.v1": 5.0, "plain.v1": 2.0} == {cell["prompt"]: cell["mean"] for cell in people["cells"]}
    assert "course.v1" == people["winner"]
