"""What is there before a run begins: the evaluation, its tasks and its declaration, and nothing on the disk."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.runs.open_evaluation import OpenedEvaluation, open_evaluation
from harness.specs import Config, load_config
from harness.store.store import Store
from tests.runs.test_asking import PLAIN

DATE = "2026-11-26T09:00:00+00:00"


@pytest.fixture
def task_file(workplace: Path) -> Path:
    """Forty tasks."""
    rows = [json.dumps({"input": f"質問{number}"}, ensure_ascii=False) + "\n" for number in range(40)]
    Path("forty.jsonl").write_text("".join(rows), encoding="utf-8")
    return Path("forty.jsonl")


def opened(task_file: Path, config: Config | None = None, **options: object) -> OpenedEvaluation:
    """Forty tasks for two models; options that are not the evaluation's are those of the opening."""
    own = ("store", "run_name", "seal", "open_seal")
    asked = {**PLAIN, "models": ("base=echo", "b=echo"), "tasks": (f"forty={task_file}",), "panels": ()} | options
    given = {name: asked.pop(name) for name in own if name in asked}
    return open_evaluation(config or Config(), asked, date=DATE, **given)  # type: ignore[arg-type]


def test_nothing_is_made_before_the_run_begins(task_file: Path, workplace: Path) -> None:
    """No store and no folder, also where a set is going to be sealed."""
    before = sorted(workplace.rglob("*"))
    found = opened(task_file, seal=0.4)
    assert before == sorted(workplace.rglob("*"))
    assert (24, [16]) == (
        len(found.evaluation.job.tasks[0].samples),
        [len(seal.sealed) for _, seal in found.sealing.new],
    )
    assert DATE == found.sealing.new[0][1].date


def test_the_claim_has_a_name_of_its_own(task_file: Path) -> None:
    """Else it would take the place of the board that was tried on; a name that was given stays."""
    sealed = opened(task_file, seal=0.4)
    with Store(sealed.url) as store:
        sealed.sealing.write(store)
    claim = opened(task_file, open_seal=True).evaluation
    assert claim.name == f"{sealed.evaluation.name}-claim"
    assert "mine" == opened(task_file, open_seal=True, run_name="mine").evaluation.name
    seen, kept = ({one.id for one in found.job.tasks[0].samples} for found in (claim, sealed.evaluation))
    assert (16, 24, 0) == (len(seen), len(kept), len(seen & kept))


def test_a_panel_alone_is_the_primary_judge(task_file: Path) -> None:
    """It was the only thing asked for; beside a judge it is not."""
    for name, score in (("a", 3), ("b", 4)):
        Path(f"{name}.csv").write_text(f"model,task_id,score\nbase,0,{score}\nb,0,5\n", encoding="utf-8")
    alone = opened(task_file, judges=(), panels=("scores:a.csv,scores:b.csv",))
    assert alone.asked.primary == alone.evaluation.panels[0].name == alone.evaluation.declared.primary
    assert opened(task_file, judges=("rules",), panels=("scores:a.csv,scores:b.csv",)).asked.primary is None


def test_what_the_configuration_declares_was_not_asked_for(task_file: Path) -> None:
    """It holds for a new run, and changes nothing of one that exists."""
    Path("own.toml").write_text("[eval]\nmargin = 0.5\n", encoding="utf-8")
    found = opened(task_file, load_config("own.toml"), store="sqlite:///other.sqlite")
    assert (0.5, None) == (found.evaluation.declared.margin, found.asked.margin)
    assert "sqlite:///other.sqlite" == found.url


def test_what_cannot_be_opened_is_said(task_file: Path) -> None:
    """There is no seal to open."""
    with pytest.raises(HarnessError, match="there is nothing to open"):
        opened(task_file, open_seal=True)
