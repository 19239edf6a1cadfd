"""An adapter is judged while it is trained: training is as if nobody had asked, and each evaluation is on record."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.codec import sample_digest
from harness.errors import JudgeUnavailableError
from harness.runs.assemble import open_task
from harness.runs.load import load_run
from harness.runs.series import ask_series
from harness.specs import Config, parse_task
from harness.store.ledger import read_ledger
from harness.store.store import Store
from tests.conftest import RunCli, results_of
from tests.trainers.training.conftest import Workbench, rows, weights
from trainers.evaluations.asked import EvaluationsAsked
from trainers.evaluations.stopping import Stop
from trainers.training import evaluating, session

STEPS: dict[str, Any] = {"lora_dropout": 0.2, "save_steps": 2, "save_total_limit": 9}
STORE = "sqlite:///store.sqlite"


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Twenty tasks with references, in a workplace of their own."""
    monkeypatch.chdir(tmp_path)
    lines = [{"id": str(n), "input": f"問{n}は？", "output": f"答え{n}です。"} for n in range(20)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return "dev=dev.jsonl"


def asked(tasks: str, judge: str = "reference", every: int = 2, patience: int = 0) -> EvaluationsAsked:
    """Return evaluations of short answers."""
    series = ask_series(
        Config(), tasks=tasks, judge=judge, prompt="course.v1", limit=None, store=STORE, date="2026-01-01"
    )
    short = replace(series.spec.sampling, max_new_tokens=6)
    return EvaluationsAsked(
        series=replace(series, spec=replace(series.spec, sampling=short)), every=every, patience=patience
    )


def train(bench: Workbench, folder: Path, evaluations: EvaluationsAsked | None, **changes: Any) -> Any:
    """Train with evaluations, and return the record."""
    prepared = bench.prepare(**STEPS | changes)
    prepared = replace(prepared, request=replace(prepared.request, evaluations=evaluations))
    return session.train(prepared, folder, prepared.plan(), resume=folder.exists(), say=bench.said.append)


def test_training_is_as_if_nobody_had_asked(bench: Workbench, tmp_path: Path, tasks: str) -> None:
    """The adapter's bytes, with dropout; each evaluation is a row, a try and a line of the log."""
    train(bench, tmp_path / "plain", None)
    record = train(bench, tmp_path / "mine", asked(tasks))
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "mine" / name).read_bytes()
    found = record.outcome.evaluations
    assert [0, 2, 4] == [one.step for one in found.evaluated]
    assert ("train-mine", "dev", 20, "all", "reference") == (
        found.run,
        found.tasks,
        found.n_tasks,
        found.part,
        found.judge,
    )
    assert [0, 2, 4] == [row["step"] for row in rows(tmp_path / "mine") if "judged" in row]
    results = results_of(tmp_path, "train-mine")
    labels = {"base", *(f"mine/step-{step}" for step in (2, 4))}
    assert labels == {row["model"] for row in results["rows"]}
    [best] = results["best_checkpoints"]
    assert (f"mine/step-{found.best.step}", found.best.naive, found.best.honest) == (
        best["model"], best["naive"], best["honest"]
    )  # fmt: skip
    with Store(STORE) as store:
        tried = [row for row in read_ledger(store).rows if row.role == "candidate"]
    assert labels - {"base"} == {row.label for row in tried}
    assert load_run("train-mine").manifest.trainings == {"mine": tuple(f"mine/step-{step}" for step in (2, 4))}


def test_killed_and_resumed(bench: Workbench, tmp_path: Path, tasks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same adapter, and what had been evaluated by the last checkpoint is neither answered nor tried again."""
    whole = train(bench, tmp_path / "whole" / "mine", asked(tasks, every=1)).outcome.evaluations
    (tmp_path / "store.sqlite").rename(tmp_path / "other.sqlite")

    class Killed(BaseException):
        """As good as a kill."""

    original = evaluating.WhileTraining._evaluate

    def killing(self: Any, step: int) -> None:
        if step == 3:
            raise Killed
        original(self, step)

    monkeypatch.setattr(evaluating.WhileTraining, "_evaluate", killing)
    with pytest.raises(Killed):
        train(bench, tmp_path / "mine", asked(tasks, every=1))
    monkeypatch.setattr(evaluating.WhileTraining, "_evaluate", original)
    found = train(bench, tmp_path / "mine", asked(tasks, every=1)).outcome.evaluations
    assert whole == found
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "whole" / "mine" / name).read_bytes() == (tmp_path / "mine" / name).read_bytes()


@pytest.mark.parametrize("reason", ["worse", "no_gain"])
def test_the_verdict_ends_the_training(
    reason: Any, bench: Workbench, tmp_path: Path, tasks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the step that it came with; log, record and card say so, and a resumed one does not go on."""
    stops = iter([None, Stop(reason=reason, place=0, count=2)])
    monkeypatch.setattr(evaluating, "stop_after", lambda *_, **__: next(stops))
    record = train(bench, tmp_path / "mine", asked(tasks, every=1))
    assert (2, True, reason) == (
        record.outcome.steps, record.outcome.stopped_early, record.outcome.evaluations.stopped
    )  # fmt: skip
    assert any("mine/step-1" in row.get("event", "") for row in rows(tmp_path / "mine"))
    assert "training stops" in " ".join(bench.said)
    (tmp_path / "mine" / "training.json").write_text(
        json.dumps(json.loads((tmp_path / "mine" / "training.json").read_text()) | {"outcome": None})
    )
    assert 2 == train(bench, tmp_path / "mine", asked(tasks, every=1)).outcome.steps


def test_the_adapter_with_the_highest_mean_is_written(bench: Workbench, tmp_path: Path, tasks: str) -> None:
    """That of its checkpoint, not the last; the record says which."""
    record = train(
        bench, tmp_path / "mine", asked(tasks), keep_best=True, best_by="judge", eval_tasks=tasks, learning_rate=0.3
    )
    found = record.outcome.evaluations.evaluated[1:]
    best = max(found, key=lambda one: (one.mean, -one.step))
    assert best.step == record.outcome.kept_step == record.outcome.evaluations.best.step
    expected = weights(tmp_path / "mine" / "checkpoints" / f"checkpoint-{best.step}")
    assert all((expected[name] == tensor).all() for name, tensor in weights(tmp_path / "mine").items())


def test_an_evaluation_that_fails_ends_no_training(
    bench: Workbench, tmp_path: Path, tasks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, with the step, and the adapter is written."""

    def failing(*_: object, **__: object) -> None:
        raise JudgeUnavailableError("the judge has gone home")

    monkeypatch.setattr(evaluating, "with_models", failing)
    record = train(bench, tmp_path / "mine", asked(tasks))
    assert (4, None) == (record.outcome.steps, record.outcome.evaluations)
    assert any("the judge has gone home" in row.get("event", "") for row in rows(tmp_path / "mine"))
    assert (tmp_path / "mine" / "adapter_config.json").is_file()


def test_from_the_command_line(run_cli: RunCli, bench: Workbench, tmp_path: Path, tasks: str) -> None:
    """Tasks that are sealed are not seen, which is said; the board and the record say which part it was."""
    ran = run_cli("eval", "--task", tasks, "--model", "echo", "--judge", "reference", "--seal", "0.5", "--run", "s")
    assert 0 == ran.code, ran.err
    command = bench.command(tmp_path / "mine", "--eval-tasks", tasks, "--eval-judge", "reference", "--eval-every", "2")
    ran = run_cli(*command)
    assert 0 == ran.code, ran.err
    assert "Only the open tasks of dev are seen" in ran.err
    record = json.loads((tmp_path / "mine" / "training.json").read_text(encoding="utf-8"))
    assert ("open", 10) == tuple(record["outcome"]["evaluations"][key] for key in ("part", "n_tasks"))
    assert "dev=dev.jsonl" == record["recipe"]["eval_tasks"]
    assert "open" == results_of(tmp_path, "train-mine")["ledger"]["dev"]["part"]
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert "the open tasks of dev" in card


def test_the_sealed_half_is_refused_by_name(run_cli: RunCli, bench: Workbench, tmp_path: Path, tasks: str) -> None:
    """A file that holds sealed tasks alone."""
    assert 0 == run_cli("eval", "--task", tasks, "--model", "echo", "--judge", "reference", "--seal", "0.5").code
    with Store("sqlite:///runs/store.sqlite") as store:
        sealed = {*read_ledger(store).seals[0].sealed}
    ids = [one.id for one in open_task(parse_task(tasks, Config())) if sample_digest(one) in sealed]
    lines = [
        line for line in Path("dev.jsonl").read_text(encoding="utf-8").splitlines() if json.loads(line)["id"] in ids
    ]
    Path("half.jsonl").write_text("\n".join(lines), encoding="utf-8")
    ran = run_cli(*bench.command(tmp_path / "mine", "--eval-tasks", "half=half.jsonl"))
    assert (2, True) == (ran.code, "All 10 tasks of 'half' are sealed" in ran.err)


def test_a_judge_that_asks_a_model_is_announced(
    run_cli: RunCli, bench: Workbench, tmp_path: Path, tasks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the number of verdicts, before any weight is loaded; --yes is what begins it."""
    monkeypatch.setenv("GEMINI_API_KEY", "x" * 39)
    ran = run_cli(*bench.command(tmp_path / "mine", "--eval-tasks", tasks, "--eval-judge", "gemini"))
    assert 2 == ran.code
    assert "asks a language model" in ran.err
    assert "--yes" in ran.err
    assert not (tmp_path / "mine").exists()
