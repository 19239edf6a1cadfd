"""Two models under two prompts, rated on a page and over a link: every figure is of the right model and prompt."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.human.page import rating_page, with_texts
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import current_export, run_answers, samples_of
from harness.served.desk import Desk
from harness.store.store import Store
from harness.testing import serve
from harness.testing.servers import openai as wire
from harness.testing.servers.loopback import Call, Step
from harness.types import LIKERT_5
from tests.cli.test_rate_import import saved
from tests.conftest import RunCli, results_of

TASKS, DRAWN = 26, 22
CELLS = {("small", "plain.v1"): 2, ("small", "course.v1"): 3, ("large", "plain.v1"): 3, ("large", "course.v1"): 5}


def answered(call: Call) -> Step:
    """The model and the prompt by a letter that the test knows and no rater could."""
    said = str(call.body["messages"])
    prompt = "course.v1" if "### 指示" in said or "指示" in said else "plain.v1"
    task = said.split("質問")[1].split("。", maxsplit=1)[0]
    return wire.reply(f"{'qwer'[list(CELLS).index((call.body['model'], prompt))]} の答え{task}")


def score(answer: str) -> int:
    return list(CELLS.values())["qwer".index(answer[0])]


@pytest.fixture
def rated(run_cli: RunCli, workplace: Path) -> RunCli:
    """An A/B run `r`, a judge of every cell, and its draw for two raters."""
    rows = [{"task_id": n, "input": f"質問{n}。答えてください。"} for n in range(TASKS)]
    Path("tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with Path("judge.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "prompt", "task_id", "score"])
        for place, (model, prompt) in enumerate(CELLS):
            writer.writerows([model, prompt, n, 1 + (n * (place + 2) + place) % 5] for n in range(TASKS))
    with serve(answered) as server:
        Path("harness.toml").write_text(f'[models.openai]\nbase_url = "{server.url}"\n', encoding="utf-8")
        ran = run_cli(
            "ab", "--task", "mine=tasks.jsonl", "--model", "small=openai:small", "--model", "large=openai:large",
            "--prompt", "plain.v1", "--prompt", "course.v1", "--judge", "scores:judge.csv", "--run", "r",
        )  # fmt: skip
    assert 0 == ran.code, ran.err
    return run_cli


def test_a_page_and_a_link_reach_every_figure(rated: RunCli) -> None:
    """Means of the board, effects of the prompts, the audit and what people would say: 2, 3, 3 and 5, as planted."""
    drawn = rated("rate", "page", "r", "--raters", "sato,tanaka", "--sample", str(DRAWN))
    assert 0 == drawn.code, drawn.err
    page, _ = map(Path, drawn.out.splitlines())
    assert not [name for name in ("small", "large", "plain.v1", "course.v1") if name in page.read_text("utf-8")]
    file = saved(page, "sato.json", lambda _, answer: {"score": score(answer)})
    send("tanaka")
    ran = rated("rate", "import", "r", file)
    assert 0 == ran.code, ran.err
    assert f"{2 * 4 * DRAWN} ratings of {4 * DRAWN} answers by 2 raters." in ran.out
    results = results_of(Path(), "r")
    board = {
        (row["model"], row["prompt"]): (row["mean"], row["n"]) for row in results["rows"] if row["judge"] == "human"
    }
    assert {cell: (float(value), DRAWN) for cell, value in CELLS.items()} == board
    [test] = [one for one in results["ab"] if one["judge"] == "human"]
    assert CELLS == {(cell["model"], cell["prompt"]): pytest.approx(cell["mean"]) for cell in test["cells"]}
    effects = {effect["model"]: abs(effect["difference"]) for effect in test["effects_by_model"]}
    assert (1.0, 2.0) == (pytest.approx(effects["small"]), pytest.approx(effects["large"]))
    [task] = json.loads(rated("audit", "r", "--json").out)["tasks"]
    [anchored] = task["anchorings"]
    assert anchored["drawn_at_random"] is True
    means = {(one["row"]["model"], one["row"]["prompt"]): one["estimate"]["population"] for one in anchored["means"]}
    assert CELLS == {cell: pytest.approx(found["value"]) for cell, found in means.items()}
    base = anchored["differences"][0]["baseline"]
    for one in anchored["differences"]:
        row = one["row"]["model"], one["row"]["prompt"]
        planted = CELLS[row] - CELLS[base["model"], base["prompt"]]
        assert planted == pytest.approx(one["estimate"]["population"]["value"]), row
    assert "course.v1" in rated("rate", "status", "r").out


def send(rater: str) -> None:
    """What a rater's served page would send, all of it."""
    run, folder = load_run("r"), RunFolder("runs", "r")
    export = current_export(folder, run.manifest.store)
    export = with_texts(export, run_answers(run, export.draw.rows))
    page = rating_page(export, rater, samples_of(run), LIKERT_5)
    with Store(run.manifest.store) as store:
        desk = Desk(
            run=run, export=export, imported=(), pages={rater: page}, store=store, scale=LIKERT_5, language="en",
            clock=lambda: datetime.now(tz=UTC),
        )  # fmt: skip
        ratings = [{"item": item.id, "score": score(item.answer)} for item in page.items]
        desk.keep(rater, json.dumps({"page": page.digest, "ratings": ratings}))
