"""`harness history`: what was tried, as tables, JSON, CSV, a chart and a page; and how it is forgotten by name."""

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from harness.stats.tries import correct_over_tries
from tests.conftest import RunCli, results_of
from tests.runs.test_ledger import BASE, SCORES, evaluate, forty, write  # noqa: F401 - a fixture and its helpers


@pytest.fixture
def tried(forty: RunCli) -> RunCli:  # noqa: F811 - the fixture
    """Three runs with a candidate each."""
    for place in (0, 1, 2):
        evaluate(forty, f"base a{place}", "--run", f"r{place}")
    return forty


def test_every_try_is_in_the_table(tried: RunCli) -> None:
    """In the order they came, corrected over all: the first run's candidate too, whose own files stay as they were."""
    ran = tried("history")
    assert 0 == ran.code, ran.err
    assert "## forty (40 tasks) by scores:scores.csv" in ran.out
    assert ["a0", "a1", "a2"] == re.findall(r"UTC \| (a\d)", ran.out)
    assert "3 candidates tried on 20" in ran.out
    assert "1 are better than their baseline and 0 worse" in ran.out
    assert "The best so far is a2 (number 3)" in ran.out
    assert "If all 3 were equal to the baseline, the best would still seem to gain about" in ran.out
    assert "nan" not in ran.out.lower()


def test_figures_are_those_over_all_tries_as_of_today(tried: RunCli) -> None:
    """JSON and CSV hold `correct_over_tries` of the three; a run holds what it was when it was finished."""
    [found] = json.loads(tried("history", "--format", "json").out)["tasksets"]
    table = np.array([SCORES[f"a{place}"] - BASE for place in (0, 1, 2)], dtype=float)
    expected = correct_over_tries(table)
    assert expected.p_values.tolist() == pytest.approx([row["p_value"] for row in found["rows"]], abs=0.006)
    assert table.mean(axis=1).tolist() == pytest.approx([row["difference"] for row in found["rows"]])
    assert [SCORES[f"a{place}"].mean() for place in (0, 1, 2)] == pytest.approx([row["mean"] for row in found["rows"]])
    first = results_of(Path(), "r0")["comparisons"][0]
    assert found["rows"][0]["p_value"] > first["p_ledger"]
    rows = list(csv.DictReader(io.StringIO(tried("history", "forty", "--format", "csv").out)))
    assert [str(row["p_value"]) for row in found["rows"]] == [row["p_value"] for row in rows]
    assert ["better"] == [row["verdict"] for row in rows if row["verdict"] != "undecided"]


def test_a_chart_and_a_page(tried: RunCli) -> None:
    """Well-formed, self-contained, nothing that loads or runs, in Japanese too."""
    ran = tried("history", "--html", "page.html", "--svg", "chart.svg", "--lang", "ja")
    assert 0 == ran.code, ran.err
    chart = ET.parse("chart.svg").getroot()
    assert chart.tag == "{http://www.w3.org/2000/svg}svg"
    assert 3 == len(chart.findall(".//{*}circle")) + len(chart.findall(".//{*}path"))
    page = unescape(Path("page.html").read_text(encoding="utf-8"))
    assert "試したことの記録" in page
    assert "default-src 'none'" in page
    assert not re.search(r"src=|href=\"[^#]|url\(|@import|https?://", page.replace("http://www.w3.org/2000/svg", ""))


def test_names_and_labels_cannot_act(forty: RunCli) -> None:  # noqa: F811
    """Markup in a task's and a model's name is text in the page, the chart and the table."""
    odd = "<img onerror>|@x"
    write("x.jsonl", [{"task_id": number, "output": "あ" * number} for number in range(40)])
    Path("odd.csv").write_text(
        "model,task_id,score\n" + "\n".join(f"{model},{n},{n % 5 + 1}" for model in (odd, "base") for n in range(40)),
        encoding="utf-8",
    )
    ran = forty("eval", "--task", f"{odd}=forty.jsonl", "--model", "base=outputs:base.jsonl", "--model",
                f"{odd}=outputs:x.jsonl", "--judge", "scores:odd.csv", "--run", "r")  # fmt: skip
    assert 0 == ran.code, ran.err
    ran = forty("history", "--html", "page.html")
    assert 0 == ran.code, ran.err
    page = Path("page.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "&lt;img onerror&gt;|@x" in page


def test_parts_of_a_sealed_set_are_told_apart(forty: RunCli) -> None:  # noqa: F811
    """The open part with its tries, the sealed one with its openings and what it is."""
    evaluate(forty, "base a0", "--seal", "--run", "r0")
    evaluate(forty, "base a1", "--run", "r1", "--limit", "15")
    evaluate(forty, "base a2", "--open-seal", "--run", "claim")
    found = json.loads(forty("history", "--format", "json").out)["tasksets"]
    assert [("open", 20, ["a0", "a1"], 1), ("sealed", 20, ["a2"], 1)] == [
        (one["part"], one["tasks"], [row["label"] for row in one["rows"]], one["openings"]) for one in found
    ]
    out = forty("history").out
    assert "This is the claim: the tasks were sealed on" in out
    assert "20 more are kept for the final claim" in out


def test_sets_and_judges_by_name(tried: RunCli) -> None:
    """A name, a digest's beginning, another name of the same tasks; what is unknown is told with what is known."""
    evaluate(tried, "base a3", "--run", "again", task="別名=forty.jsonl")
    [found] = json.loads(tried("history", "--format", "json").out)["tasksets"]
    assert ["別名", "forty"] == found["names"]
    for name in ("forty", "別名", found["taskset"][:8]):
        assert "4 candidates tried" in tried("history", name).out
    ran = tried("history", "fourty")
    assert 2 == ran.code
    assert "No task set named 'fourty'." in ran.err
    assert "forty" in ran.err
    assert 2 == tried("history", "--judge", "gemini").code
    assert 1 == tried("history", "--html", "no/such/folder/x.html").code


def test_nothing_tried_yet(run_cli: RunCli) -> None:
    """Without a store, and no store is made."""
    assert "Nothing was tried yet." in run_cli("history").out
    assert not Path("runs").exists()
    assert 2 == run_cli("history", "forty").code


def test_a_reset_is_by_name_said_and_shown(tried: RunCli) -> None:
    """Nothing goes without --yes; then the next try is the first again, and the reset stays in the history."""
    assert "needs the name" in tried("history", "--reset", "--yes").err
    ran = tried("history", "forty", "--reset")
    assert 2 == ran.code
    assert "This forgets 3 tries on 'forty'" in ran.err
    assert "3 candidates tried" in tried("history").out
    ran = tried("history", "forty", "--reset", "--yes")
    assert 0 == ran.code
    assert "3 tries on 'forty' were forgotten" in ran.out
    assert "forty was reset on" in tried("history").out
    assert "forty was reset on" in tried("history", "forty").out
    evaluate(tried, "base a4", "--run", "new")
    assert 1 == results_of(Path(), "new")["comparisons"][0]["try"]
    ran = tried("history", "--format", "json")
    document = json.loads(ran.out)
    assert [("forty", 3, 0)] == [(one["name"], one["tries"], one["openings"]) for one in document["resets"]]
    assert 1 == len(document["tasksets"][0]["rows"])
    assert 2 == tried("history", "nothing", "--reset", "--yes").code


def test_a_svg_needs_one_set(tried: RunCli) -> None:
    """Two judges are two charts."""
    Path("other.csv").write_text(Path("scores.csv").read_text(encoding="utf-8") + "\nx,1,1", encoding="utf-8")
    assert 0 == tried("judge", "r0", "--judge", "scores:other.csv").code
    ran = tried("history", "--svg", "chart.svg")
    assert 2 == ran.code
    assert "2 are shown" in ran.err
    assert 0 == tried("history", "--svg", "chart.svg", "--judge", "scores:other.csv").code


def test_many_tries_on_elyza_tasks_point_to_tv(forty: RunCli) -> None:  # noqa: F811
    """Developing on ELYZA-tasks-100 and claiming on TV is the natural pair."""
    rows = [
        {"input": f"質問{number}", "output": "答え", "eval_aspect": "採点", "task_id": str(number)}
        for number in range(100)
    ]
    write("elyza.jsonl", rows)
    models = [f"m{place}" for place in range(12)]
    scores = np.random.default_rng(5).integers(1, 6, (12, 100))
    lines = [f"{model},{task},{scores[place, task]}" for place, model in enumerate(models) for task in range(100)]
    Path("e.csv").write_text("model,task_id,score\n" + "\n".join(lines), encoding="utf-8")
    answers = [f"{model},{task},{model} {task}" for model in models for task in range(100)]
    Path("answers.csv").write_text("model,task_id,output\n" + "\n".join(answers), encoding="utf-8")
    elyza = ("eval", "--task", "elyza-tasks-100=elyza.jsonl", "--judge", "scores:e.csv")
    ran = forty(*elyza, "--model", "outputs:answers.csv", "--run", "all")
    assert 0 == ran.code, ran.err
    assert "claim on the other" not in ran.out + forty("history").out, "twelve at once were not built on each other"
    write("late.jsonl", [{"task_id": task, "output": "後"} for task in range(100)])
    with Path("e.csv").open("a", encoding="utf-8") as file:
        file.write("".join(f"\nlate,{task},3" for task in range(100)))
    write("m0.jsonl", [{"task_id": task, "output": f"m0 {task}"} for task in range(100)])
    two = ("--model", "m0=outputs:m0.jsonl", "--model", "late=outputs:late.jsonl")
    assert 0 == forty(*elyza, *two, "--run", "r").code
    assert "claim on the other (--task elyza-tasks-100-tv=PATH)" in forty("history").out
    assert "claim on the other" in Path("runs/r/leaderboard.md").read_text(encoding="utf-8")
