"""A finished run that people can rate: two models, some tasks, two judges on the scale of people; and its desk."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import harness
from harness.human.draw import Export, draw_items, key_document
from harness.human.page import rating_page
from harness.human.sheets import key_name
from harness.runs.folder import RunFolder
from harness.runs.load import load_run
from harness.runs.rated import samples_of
from harness.runs.run import Run
from harness.served.desk import Desk
from harness.store.store import Store
from harness.types import LIKERT_5, RowKey

MODELS = ("weak-7b", "strong-7b")
Text = Callable[[str, int], str]


def plain_text(model: str, number: int) -> str:
    """Every fifth task is answered alike by both."""
    return f"同じ答え{number}" if number % 5 == 0 else f"{model[0]} の答え{number}"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make_run(folder: Path, *, tasks: int = 30, text: Text = plain_text, inputs: Mapping[int, str] | None = None) -> Run:
    """Evaluate into ``folder``/runs/r and return the run as it is read back."""
    rows = [{"task_id": n, "input": (inputs or {}).get(n, f"質問{n}"), "eval_aspect": "要点"} for n in range(tasks)]
    answers = [{"model": model, "task_id": n, "output": text(model, n)} for model in MODELS for n in range(tasks)]
    for name, lines in (("tasks", rows), ("answers", answers)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for place, judge in enumerate(("one", "two")):
        with (folder / f"{judge}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["model", "task_id", "score"])
            for model in MODELS:
                writer.writerows([model, n, 1 + (n * (3 + place if model[0] == "w" else 2)) % 5] for n in range(tasks))
    with inside(folder):
        run = harness.evaluate(
            models=["outputs:answers.jsonl"],
            tasks=["mine=tasks.jsonl"],
            judges=["scores:one.csv", "scores:two.csv"],
            baseline=MODELS[0],
            run="r",
        )
        run.save("runs/r", overwrite=True)
    return load_run(str(folder / "runs" / "r"))


def draw_of(run: Run, folder: Path, *, raters: tuple[str, ...] = ("sato", "tanaka"), sample: int = 20) -> Export:
    """Draw from a run, and keep the key in its folder."""
    rows = tuple(RowKey(model=model, prompt=None) for model in MODELS)
    export = draw_items(
        run.tasks, run.requests, run.answers, rows=rows, raters=len(raters), sample=sample, names=raters
    )
    RunFolder("", str(folder / "runs" / "r")).write_json(key_name(export.draw.tag), key_document(export))
    return export


def desk_of(run: Run, export: Export, store: Store) -> Desk:
    """The desk of a served rating, whose clock stands still."""
    return Desk(
        run=run,
        export=export,
        imported=(),
        pages={rater: rating_page(export, rater, samples_of(run), LIKERT_5) for rater in export.draw.people},
        store=store,
        scale=LIKERT_5,
        language="en",
        clock=lambda: datetime(2026, 11, 26, 12, 0, tzinfo=UTC),
    )
