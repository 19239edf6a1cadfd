"""One model after the other on the same tasks: each is a row and a try once, and what is gone is not asked again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import ModelUnavailableError, NothingUsableError
from harness.protocols import ModelBackend
from harness.runs.load import load_run
from harness.runs.provenance import Invocation
from harness.runs.series import Answered, SeriesAsked, ask_series, save_series, table_of, with_models
from harness.specs import Config
from harness.store.ledger import read_ledger
from harness.store.store import Store
from harness.types import Generation, Request

NOW = Invocation(command="harness train", now=datetime(2026, 11, 26, tzinfo=UTC))


@dataclass
class Says:
    """Answers every task alike."""

    text: str
    asked: int = 0

    @property
    def fingerprint(self) -> str:
        return f"says {self.text}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            self.asked += 1
            yield Generation(request_key=request.key, text=self.text)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task_file: Path) -> SeriesAsked:
    """Five tasks, judged by their references."""
    monkeypatch.chdir(tmp_path)
    return ask_series(
        Config(), tasks=f"five={task_file}", judge="reference", prompt="course.v1", limit=4, store=None, date="2026"
    )


def made(asked: SeriesAsked, **models: ModelBackend) -> list[str]:
    """Evaluate models, and return the labels of the rows."""
    run = with_models(asked, "train-x", models, training="x", invocation=NOW)
    return [row.model for row in table_of(run).rows]


def test_one_row_more_each_time(asked: SeriesAsked) -> None:
    """What answered before is taken from the store; the limit, the part and the margin are on record."""
    first, second = Says("東京です。"), Says("知りません。")
    assert ["base"] == made(asked, base=first)
    assert ["base", "x/step-2"] == made(asked, base=Answered(fingerprint=first.fingerprint), **{"x/step-2": second})
    assert (4, 4) == (first.asked, second.asked)
    assert (4, False, False) == (len(asked.samples), asked.is_open, asked.asks_model)
    with Store(asked.url) as store:
        roles = {row.label: row.role for row in read_ledger(store).rows}
    assert {"base": "baseline", "x/step-2": "candidate"} == roles


def test_the_files_of_a_series(asked: SeriesAsked) -> None:
    """A run like any other: it can be loaded, and knows what its rows are checkpoints of."""
    models = {"base": Says("東京です。"), "x/step-2": Says("はい。"), "x/step-4": Says("いいえ。")}
    run = with_models(asked, "train-x", models, training="x", invocation=NOW)
    save_series(run, asked)
    assert {"x": ("x/step-2", "x/step-4")} == load_run("train-x").manifest.trainings
    results = json.loads(Path("runs/train-x/results.json").read_text(encoding="utf-8"))
    assert "x" == results["best_checkpoints"][0]["training"]


def test_what_is_gone_cannot_answer(asked: SeriesAsked) -> None:
    """Its missing answers are failures, and the others stand."""
    with pytest.raises(ModelUnavailableError, match="not in memory"):
        next(Answered(fingerprint="gone").generate([]))
    run = with_models(
        asked,
        "train-x",
        {"base": Answered(fingerprint="gone"), "x/step-1": Says("はい。")},
        training="x",
        invocation=NOW,
    )
    assert [4, 0] == [int(row.sum()) for row in ~(table_of(run).scores == table_of(run).scores)]


def test_judges_of_answers_that_are_there_are_refused(asked: SeriesAsked, tmp_path: Path) -> None:
    """People's ratings are of answers that are there already."""
    del asked
    (tmp_path / "ratings.csv").write_text("model,task_id,score\nbase,0,4\n", encoding="utf-8")
    with pytest.raises(NothingUsableError, match=r"ratings\.csv"):
        ask_series(
            Config(), tasks="five=five.jsonl", judge="human:ratings.csv", prompt="course.v1", limit=None, store=None,
            date="2026",
        )  # fmt: skip
