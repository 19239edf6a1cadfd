"""`harness audit`: judge cards of real judges and of made-up ones, with and without people."""

import csv
import json
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_rate import fill, sheets
from tests.conftest import RunCli
from tests.stats.oracles import alpha_by_pairs

TASKS = 60
MODELS = ("a", "b", "c")


@pytest.fixture
def rated(run_cli: RunCli, workplace: Path) -> RunCli:
    """A run `r` of three models under two judges whose scores come from files, and `reference`."""
    rng = random.Random(1)
    Path("tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": n, "input": f"質問{n}", "output": "長い正解"}) + "\n" for n in range(TASKS)),
        encoding="utf-8",
    )
    rows = [
        {"model": model, "task_id": n, "output": f"{model}{n}" + "長" * rng.randint(0, 200)}
        for model in MODELS
        for n in range(TASKS)
    ]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with Path("scores.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "judge", "task_id", "score"])
        for row in rows:
            score = rng.randint(1, 4)
            writer.writerow([row["model"], "one", row["task_id"], score if row["task_id"] else ""])
            writer.writerow([row["model"], "two", row["task_id"], score + rng.randint(0, 1)])
    ran = run_cli(
        "eval", "--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--judge", "human:scores.csv",
        "--judge", "reference", "--run", "r", "--max-unscored", "3",
    )  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def document(run: RunCli, *arguments: str) -> dict:
    ran = run("audit", "r", "--json", *arguments)
    assert 0 == ran.code, ran.err
    return json.loads(ran.out)


def test_cards_of_every_judge(rated: RunCli) -> None:
    """n, what is missing by reason, histogram, mean; lengths are compared for every judge."""
    [task] = document(rated)["tasks"]
    cards = {card["judge"]["name"]: card for card in task["cards"]}
    assert {"human:one", "human:two", "reference"} == set(cards)
    one = cards["human:one"]
    assert (180, 177, 3) == (one["n"], one["n_scored"], sum(reason["count"] for reason in one["reasons"]))
    assert 177 == sum(part["count"] for part in one["histogram"])
    assert all(card["length_slope"]["low"] < card["length_slope"]["high"] for card in cards.values())


def test_pairs_are_compared_as_far_as_their_scales_allow(rated: RunCli) -> None:
    """The two of 1-5 have kappa, alpha and bias; with `reference` there is a rank correlation alone."""
    [task] = document(rated)["tasks"]
    pairs = {(pair["first"], pair["second"]): pair for pair in task["pairs"]}
    both = pairs["human:one", "human:two"]
    with Path("scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = [[float(row["score"] or "nan") for row in rows if row["judge"] == name] for name in ("one", "two")]
    expected = alpha_by_pairs(np.array(scores), "ordinal")
    assert expected == pytest.approx(both["alpha"])
    assert 1.0 == both["agreement"]["within_one"]["value"]
    assert both["agreement"]["bias"]["high"] < 0
    assert 3 == len(both["row_bias"])
    mixed = pairs["human:one", "reference"]
    assert (None, None, []) == (mixed["agreement"], mixed["alpha"], mixed["row_bias"])
    assert mixed["rank_answers"] is not None


def test_the_page_says_what_it_compares(rated: RunCli) -> None:
    """Markdown: a section per judge, agreement, and the others apart; missing scores are counted by reason."""
    ran = rated("audit", "r")
    assert 0 == ran.code, ran.err
    assert "- 3 × blank score\n" in ran.out
    assert "### Agreement between judges of one scale" in ran.out
    assert "### Judges of different scales or kinds: only how alike they rank" in ran.out
    assert "no proof of bias" in ran.out
    assert re.search(r"A true bias of about \d\.\d\d would show here in 80 % of such runs", ran.out)
    assert "### How wrong the judge may be" in ran.out


def test_the_page_is_in_japanese_too(rated: RunCli) -> None:
    """The same sections and the same figures in the same tables; no English sentence among the words of the page."""
    english, japanese = (rated("audit", "r", "--human", "human:one", "--lang", lang).out for lang in ("en", "ja"))
    assert "# 評価者カード: r\n" in japanese
    assert english.count("\n#") == japanese.count("\n#")
    figures = [re.findall(r"-?\d+\.\d+", page) for page in (english, japanese)]
    assert len(figures[0]) > 20
    assert Counter(figures[0]) == Counter(figures[1])
    assert not re.search(r"\b(Scale|verdicts?|favours|Length|Answers|agrees|models)\b", japanese)


def test_naming_the_human_judge_gives_a_confusion_table(rated: RunCli) -> None:
    """Two human judges: nobody stands for people until one is named."""
    assert [] == document(rated)["tasks"][0]["confusions"]
    [found] = document(rated, "--human", "human:one")["tasks"][0]["confusions"]
    assert ("human:one", "human:two", 177) == (found["human"], found["judge"], sum(map(sum, found["counts"])))


def test_people_on_a_random_sample_carry_their_scores_to_all_tasks(rated: RunCli) -> None:
    """Sheets rated as judge `two` scores: anchored means on record as random, with both estimands and differences."""
    exported = rated("rate", "export", "r", "--sample", "30", "--raters", "2")
    scores = {}
    with Path("scores.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["judge"] == "two":
                scores[row["model"] + row["task_id"]] = int(row["score"])
    for sheet in sheets(exported.out):
        fill(sheet, lambda row: scores[row["answer"].split("長")[0]])
    imported = rated("rate", "import", "r", *map(str, sheets(exported.out)))
    assert 0 == imported.code, imported.err
    found = document(rated)
    assert "human" == found["human"]  # sheets of this run stand for people, whatever other ratings it has
    assert (2, 1.0) == (len(found["raters"]["raters"]), pytest.approx(found["raters"]["alpha"]))
    anchored = {one["judge"]: one for one in found["tasks"][0]["anchorings"]}
    assert {"human:one", "human:two"} == set(anchored)
    assert (True, 60) == (anchored["human:two"]["drawn_at_random"], anchored["human:two"]["n_tasks"])
    for model, row in zip(MODELS, anchored["human:one"]["means"], strict=True):
        truth = np.mean([scores[f"{model}{n}"] for n in range(TASKS)])
        estimate = row["estimate"]
        assert 59 == estimate["n_tasks"]  # the judge has no score of task 0
        assert estimate["these_tasks"]["low"] - 0.1 <= truth <= estimate["these_tasks"]["high"] + 0.1
        assert estimate["these_tasks"]["high"] - estimate["these_tasks"]["low"] < (
            estimate["population"]["high"] - estimate["population"]["low"]
        )
    assert ["b", "c"] == [row["row"]["model"] for row in anchored["human:one"]["differences"]]
    page = rated("audit", "r", "--human", "human").out
    assert "What these raters would say, with the help of human:one" in page
    assert "drawn at random, on record" in page
    assert "on new tasks like these" in page


def test_repeats_show_how_far_a_judge_agrees_with_itself(rated: RunCli, example_plugin: Path) -> None:
    """A judge that wavers between 2 and 3: its first and second verdict never agree, and are always within one."""
    rated("judge", "r", "--judge", "wavering", "--judge-repeats", "2")
    cards = {card["judge"]["name"]: card for card in document(rated)["tasks"][0]["cards"]}
    own = cards["wavering"]["consistency"]
    assert (2, 0.0, 1.0) == (own["repeats"], own["exact"]["value"], own["within"]["value"])
    assert None is cards["reference"]["consistency"]
    assert "Asked 2 times, it agrees with itself on 0 %" in rated("audit", "r").out


def test_nothing_scored_is_said_and_not_drawn(run_cli: RunCli, task_file: Path) -> None:
    """No answer at all: no histogram, no slope, no figure made of nothing; JSON holds null and never NaN."""
    Path("none.jsonl").write_text("".join(json.dumps({"task_id": n, "output": None}) + "\n" for n in range(5)))
    arguments = ("--task", "five=five.jsonl", "--model", "outputs:none.jsonl", "--judge", "reference", "--run", "r")
    run_cli("eval", *arguments, "--judge", "rules")
    ran = run_cli("audit", "r")
    assert 0 == ran.code, ran.err
    assert "0 of 5 verdicts are scores." in ran.out
    assert "- 5 × no answer in none.jsonl" in ran.out
    assert "█" not in ran.out
    assert "Length" not in ran.out
    card = document(run_cli)["tasks"][0]["cards"][0]
    assert (0, None, None) == (card["n_scored"], card["mean"], card["length_slope"]["value"])


def test_hostile_names_stay_in_their_cells(run_cli: RunCli, task_file: Path) -> None:
    """Pipes, newlines, HTML and backticks in a model's or a judge's name break no table."""
    name = "a|b\n<script>`x`"
    rng = random.Random(5)
    answers = [{"model": m, "task_id": n, "output": "あ" * rng.randint(1, 99)} for m in (name, "c") for n in range(5)]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    ratings = [
        {"model": m, "judge": judge, "task_id": n, "score": rng.randint(1, 5)}
        for m in (name, "c")
        for judge in (name, "other")
        for n in range(5)
    ]
    Path("ratings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ratings))
    arguments = ("--task", "five=five.jsonl", "--model", "outputs:answers.jsonl", "--judge", "human:ratings.jsonl")
    assert 0 == run_cli("eval", *arguments, "--run", "r").code
    page = run_cli("audit", "r", "--human", "human:other").out
    tables = [block for block in page.split("\n\n") if block.startswith("|")]
    for table in tables:
        cells = {len(re.split(r"(?<!\\)\|", line)) for line in table.rstrip().split("\n")}
        assert 1 == len(cells), table
    assert not re.search(r"(?<!\\)<script>", page)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("nowhere",), "No run named 'nowhere'."), (("r", "--human", "humn:one"), "Did you mean 'human:one'?")],
)
def test_wrong_input(rated: RunCli, arguments: tuple[str, ...], said: str) -> None:
    """A sentence and exit code 2."""
    ran = rated("audit", *arguments)
    assert (2, True) == (ran.code, said in ran.err)


def test_the_real_judges(run_cli: RunCli, workplace: Path, shared_data: Path) -> None:
    """Four judges' 24,000 scores of sixty models: what is missing is exactly the blank and off-scale cells, by line."""
    scores = shared_data / "shaberi" / "scores.csv"
    task = shared_data / "elyza-tasks-100" / "test.jsonl"
    ran = run_cli(
        "eval", "--task", f"elyza-tasks-100={task}", "--model", f"outputs:{shared_data / 'shaberi/answers.parquet'}",
        "--judge", f"human:{scores}", "--run", "r", "--max-unscored", "100",
    )  # fmt: skip
    assert 0 == ran.code, ran.err
    [found] = document(run_cli)["tasks"]
    with scores.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for card in found["cards"]:
        own = [row["score"] for row in rows if f"human:{row['judge']}" == card["judge"]["name"]]
        good = [float(score) for score in own if score and 1 <= float(score) <= 5]
        assert (6000, len(good)) == (card["n"], card["n_scored"])
        assert np.mean(good) == pytest.approx(card["mean"])
        assert {level: good.count(level) for level in range(1, 6)} == {
            part["low"]: part["count"] for part in card["histogram"]
        }
    bad = {place for place, row in enumerate(rows, start=2) if not row["score"] or not 1 <= float(row["score"]) <= 5}
    said = Counter()
    for card in found["cards"]:
        said.update({reason["code"]: reason["count"] for reason in card["reasons"]})
    assert {"blank_rating", "rating_off_scale"} == set(said)
    assert len(bad) == said.total()
    assert 6 == len(found["pairs"])
    assert 4 == len(found["groups"][0]["judges"])
    assert 60 == len(found["pairs"][0]["row_bias"])
