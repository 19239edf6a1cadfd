"""Evaluates an adapter while it is trained: every so many steps one more row of a run, and an end where it says so."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from harness.analysis.scores import ScoreTable
from harness.errors import HarnessError
from harness.locale import Language, tr, trn
from harness.protocols import ModelBackend
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.runs.series import Answered, save_series, table_of, with_models
from reports.wording import words
from trainers.adapter.training_record import ChosenCheckpoint, Evaluated, Evaluations
from trainers.evaluations.asked import EvaluationsAsked
from trainers.evaluations.stopping import Stop, stop_after
from trainers.launch import is_first
from trainers.prepare import Prepared
from trainers.training.best import BestAdapter
from trainers.training.live_model import LiveModel
from trainers.training.processes import any_rank
from trainers.training.progress import TrainingProgress
from trainers.training.sharded import Passes, Whole, shards_of
from trainers.training.trainer import AdapterTrainer

_STATE = "evaluations.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What is being trained, for evaluations of it.

    ``name``: the training's, as its rows are called · ``first``: what it is before the first step, ``base`` or
    ``start`` · ``model``: makes the model as it stands answer, by its row's label · ``steps``: of the whole training.
    """

    name: str
    first: str
    model: Callable[[str], ModelBackend]
    steps: int
    command: str
    language: Language


class NotJudged:
    """A training that nobody judges on the way."""

    stop: Stop | None = None

    def begin(self, checkpoint: Path | None) -> None:
        """Do nothing."""

    def finish(self, step: int) -> Evaluations | None:
        """Do nothing."""

    def put_back(self) -> int | None:
        """Do nothing."""


class WhileTraining(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Lets judges see an adapter before, on the way and after; only the process that ``writes`` asks them.

    ``best`` keeps the adapter with the highest mean. An evaluation that cannot be made is said, and training goes on.
    """

    def __init__(
        self,
        asked: EvaluationsAsked,
        trained: Trained,
        *,
        progress: TrainingProgress,
        best: BestAdapter,
        writes: bool,
        shards: Passes | None = None,
    ) -> None:
        """``shards``: how the processes go through the model together, None where each has it whole."""
        self.stop: Stop | None = None
        self.best = best  # a lower "loss" is better: it is given means with the other sign
        self._asked = asked
        self._trained = trained
        self._progress = progress
        self._writes = writes
        self._shards = shards or Whole()
        self._rows: dict[str, str] = {}  # fingerprints by label, in the order of steps
        self._run: Run | None = None

    def begin(self, checkpoint: Path | None) -> None:
        """Evaluate what there is before the first step, or go on from what a checkpoint holds."""
        if checkpoint is not None and (checkpoint / _STATE).is_file():
            state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
            self._rows, stopped = state["rows"], state["stopped"]
            self.stop = None if stopped is None else Stop(**stopped)
            self.best.load(checkpoint)
        else:
            self._take_turn(0)

    def save(self, checkpoint: Path) -> None:
        """Write what a resumed run needs into a checkpoint's folder."""
        state = {"rows": self._rows, "stopped": None if self.stop is None else asdict(self.stop)}
        (checkpoint / _STATE).write_text(json.dumps(state), encoding="utf-8")
        self.best.save(checkpoint)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ANN401
        """Evaluate where it is due; the last step is evaluated after training."""
        del args
        step = state.global_step
        if step >= state.max_steps or step % self._asked.every:
            return control
        self._take_turn(step)
        if any_rank(self.stop is not None):
            control.should_training_stop = control.should_log = control.should_save = True
        return control

    def finish(self, step: int) -> Evaluations | None:
        """Evaluate the last step, write the run's files, and return what came of all; None if nothing did."""
        self._take_turn(step, due=self._label(step) not in self._rows)
        any_rank(False)  # the others wait until nothing is left to do together
        if not self._writes:
            return None
        if self._run is None:
            self._run = self._made(self._models())
        if self._run is None:
            return None
        try:
            save_series(self._run, self._asked.series)
        except HarnessError as error:
            self._progress.event(step, tr("the evaluations' files were not written: {error}", error=error.message))
        return self._result(self._run)

    def put_back(self) -> int | None:
        """Give the model the weights of the highest mean if they were kept, and return their step."""
        return self.best.put_back()

    def _take_turn(self, step: int, *, due: bool = True) -> None:
        """Evaluate where it is due, or help the process that does."""
        if not self._writes:
            self._shards.serve()
            return
        with self._shards.alone():
            if due:
                self._evaluate(step)

    def _evaluate(self, step: int) -> None:
        label = self._label(step)
        with self._progress.clocks_stopped():
            model = self._trained.model(label)
            run = self._made({**self._models(), label: model})
        if run is None:
            return
        self._rows[label] = model.fingerprint
        self._run = run
        table = table_of(run)
        self._log(step, run)
        if step == 0:
            return
        mean = float(table.values(table.rows[-1]).mean())
        if not math.isnan(mean):  # no score is missing: what is chosen was seen on all tasks
            self.best.see(step, -mean)
        self.stop = self._stop(table)
        if self.stop is not None:
            against = table.rows[1 + self.stop.place].model
            self._progress.event(step, _said(self.stop, against))

    def _made(self, models: Mapping[str, ModelBackend]) -> Run | None:
        """Return the run of these models, None where it cannot be had, which is said."""
        if not models:
            return None
        invocation = Invocation(
            command=self._trained.command, now=datetime.now().astimezone(), language=self._trained.language
        )
        name = f"train-{self._trained.name}"
        try:
            return with_models(self._asked.series, name, models, training=self._trained.name, invocation=invocation)
        except HarnessError as error:
            step = _step_of(list(models)[-1])
            self._progress.event(step, tr("not evaluated: {error}", error=error.message))
            return None

    def _models(self) -> dict[str, ModelBackend]:
        return {label: Answered(fingerprint=fingerprint) for label, fingerprint in self._rows.items()}

    def _label(self, step: int) -> str:
        return f"{self._trained.name}/step-{step}" if step else self._trained.first

    def _stop(self, table: ScoreTable) -> Stop | None:
        """Return why to stop, of checkpoints alone: what there was before is no part of them."""
        return stop_after(
            table.scores[1:],
            table.judge.scale,
            planned=self._asked.times(self._trained.steps) - 1,
            patience=self._asked.patience,
            margin=self._asked.series.margin,
            clusters=table.clusters,
        )

    def _log(self, step: int, run: Run) -> None:
        one = next(one for one in _evaluated(run) if one.step == step)
        row = {"step": step, "judged": one.mean, "judged_low": one.low, "judged_high": one.high}
        self._progress.write({**row, "judge": run.judges[0].name, "verdict": one.verdict})
        self._progress.say(self._shown(one, run.judges[0].name))

    def _shown(self, one: Evaluated, judge: str) -> str:
        """Return an evaluation as people see it go by."""
        if one.mean is None or one.low is None or one.high is None:
            return tr("  step {step}  {judge} gave too few scores for an interval", step=one.step, judge=judge)
        said = tr(
            "  step {step}  {judge} {mean:.3f} ({low:.3f} to {high:.3f})",
            step=one.step,
            judge=judge,
            mean=one.mean,
            low=one.low,
            high=one.high,
        )
        if one.verdict is None:
            return said
        margin = f"{self._asked.series.margin:.3g}"
        word = words(self._trained.language)(f"verdict.word_{one.verdict}", margin=margin)
        return tr("{said}, beside step 0: {word}", said=said, word=word)

    def _result(self, run: Run) -> Evaluations:
        series, [board] = self._asked.series, run.leaderboard().boards[:1]
        chosen = board.best[0] if board.best else None
        return Evaluations(
            run=run.name,
            tasks=series.tasks,
            n_tasks=len(series.samples),
            part="open" if series.is_open else "all",
            judge=board.judge.name,
            scale=(board.judge.scale.low, board.judge.scale.high),
            margin=board.margin,
            evaluated=tuple(_evaluated(run)),
            stopped=None if self.stop is None else self.stop.reason,
            best=None
            if chosen is None
            else ChosenCheckpoint(
                step=_step_of(chosen.row.model),
                naive=chosen.best.naive,
                honest=chosen.best.honest.value,
                low=chosen.best.honest.low,
                high=chosen.best.honest.high,
                agreement=chosen.best.agreement,
            ),
        )


def _evaluated(run: Run) -> list[Evaluated]:
    """Return the rows of a series in the order of steps."""
    board = run.leaderboard().boards[0]
    found = []
    for row in board.rows:
        comparison = board.comparison_of(row.key)
        shown = None if comparison is None else comparison.shown
        found.append(
            Evaluated(
                step=_step_of(row.key.model),
                mean=row.estimate.value,
                low=row.estimate.low,
                high=row.estimate.high,
                n=row.estimate.n,
                difference=None if shown is None else shown.difference.value,
                difference_low=None if shown is None else shown.simultaneous.low,
                difference_high=None if shown is None else shown.simultaneous.high,
                verdict=None if comparison is None else comparison.verdict.code,
            )
        )
    return sorted(found, key=lambda one: one.step)


def _step_of(label: str) -> int:
    """Return the step of a row's label.

    >>> _step_of("mine/step-150"), _step_of("base")
    (150, 0)
    """
    _, dash, step = label.rpartition("/step-")
    return int(step) if dash else 0


def _said(stop: Stop, against: str) -> str:
    if stop.reason == "worse":
        return trn(
            "{n} evaluation is worse than {against} by more than the margin: training stops",
            "{n} evaluations in a row are worse than {against} by more than the margin: training stops",
            stop.count,
            against=against,
        )
    return trn(
        "{n} evaluation is equal to {against} within the margin, or worse: training stops",
        "{n} evaluations in a row are equal to {against} within the margin, or worse: training stops",
        stop.count,
        against=against,
    )


def while_training(
    prepared: Prepared, trainer: AdapterTrainer, progress: TrainingProgress, folder: Path
) -> WhileTraining | NotJudged:
    """Return what judges a training on the way, as it was asked for, taking part in it already."""
    request, recipe = prepared.request, prepared.recipe
    if request.evaluations is None:
        return NotJudged()
    first = "base" if request.start is None else "start"

    def live(label: str) -> LiveModel:
        return LiveModel(
            trainer.model,
            label=label,
            base=prepared.base,
            encoder=prepared.encoder,
            autocast=trainer.accelerator.autocast,
            is_base=label == "base",
        )

    judged = WhileTraining(
        request.evaluations,
        Trained(
            name=folder.resolve().name,
            first=first,
            model=live,
            steps=prepared.steps,
            command=request.command,
            language=request.language,
        ),
        progress=progress,
        best=BestAdapter(
            trainer.model, keep=recipe.keep_best and recipe.best_by == "judge", patience=0, name="best-judged"
        ),
        writes=is_first(),
        shards=shards_of(trainer.model),
    )
    trainer.add_callback(judged)
    progress.parts.append(judged)
    return judged
