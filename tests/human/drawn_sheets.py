"""Answers of three models, drawn to be rated, and sheets filled in by a program."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from harness.engine.plan import PlannedModel, plan_requests
from harness.human.draw import (
    COLUMNS,
    Export,
    draw_items,
    sheet_text,
)
from harness.human.ratings import Rating
from harness.human.sheet_reading import read_sheets
from harness.tables import read_table
from harness.types import Generation, PlannedTask, Request, RowKey, Sample, Sampling

MODELS = ("secret-base", "secret-tuned", "secret-other")


SAMPLES = tuple(
    Sample(id=str(n), inputs={"input": f"質問{n}"}, reference=f"正解{n}", criteria="要点") for n in range(30)
)


TASK = PlannedTask(name="t", samples=SAMPLES)


BY_ID = {("t", sample.id): sample for sample in SAMPLES}


def work(missing: Sequence[tuple[str, str]] = ()) -> tuple[list[Request], dict[str, Generation]]:
    """Every model's answer to every task, but for some; the first two give the same answer to task 7."""
    models = [PlannedModel(label=name, fingerprint=name, answers_exist=True) for name in MODELS]
    requests = plan_requests([TASK], models, [], sampling=Sampling())
    answers = {}
    for request in requests:
        number = MODELS.index(request.model)
        text = "同じ" if request.sample_id == "7" and number < 2 else f"答え{number}-{request.sample_id}"
        gone = (request.model, request.sample_id) in missing
        answers[request.key] = Generation(request_key=request.key, text=None if gone else text)
    return requests, answers


def drawn(
    *, sample: int | None = 10, raters: int = 2, seed: int = 0, missing: Sequence[tuple[str, str]] = ()
) -> Export:
    requests, answers = work(missing)
    rows = [RowKey(model=name, prompt=None) for name in MODELS]
    return draw_items([TASK], requests, answers, rows=rows, raters=raters, sample=sample, seed=seed)


def fill(export: Export, rater: str, path: Path, score: object = 3, **changed: object) -> Path:
    """A sheet filled with one score, but for some items; a score may be a function of the item."""
    rows = list(csv.DictReader(io.StringIO(sheet_text(export, rater, BY_ID).removeprefix("\ufeff"))))
    for row in rows:
        row["score"] = str(changed.get(row["item"], score))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(export: Export, *paths: Path) -> list[Rating]:
    return read_sheets([read_table(path) for path in paths], export)
