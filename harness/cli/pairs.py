"""``harness pairs``: from a run over training prompts to preference pairs, or to the best answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from harness.cli.benchmark_options import benchmark_options
from harness.cli.benchmarks import benchmark_samples, sealed_by_set
from harness.cli.options import FiniteRange, common_options
from harness.cli.say import said, say
from harness.codec import sample_digest
from harness.engine.plan import PlannedJudge
from harness.errors import InputError, TrainingDataError, UnknownNameError, UsageError
from harness.locale import tr, trn
from harness.runs.boards import run_primary
from harness.runs.load import load_run
from harness.runs.run import Run
from harness.specs import load_config, store_url
from harness.store.ledger import read_ledger
from harness.store.store import Store, store_exists
from trainers.adapter.files import write_whole
from trainers.data.contamination import BenchmarkIndex, find_hits, index, known_benchmarks
from trainers.data.examples import Example
from trainers.data.judged_answers import JudgedPrompt, judged_prompts
from trainers.data.preferences import Pairs, choose_best, choose_pairs

_LISTED = 20  # refused prompts that are named
_GAP = 0.25  # of a scale: one point of 1 to 5
_LEAST = 0.75  # of a scale: 4 of 1 to 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """How rows are to be made. None: the default of the judge's scale."""

    best: bool
    gap: float | None
    least: float | None
    per_prompt: int
    balance: bool


@click.command(
    "pairs",
    short_help="Make preference pairs, or best answers, of a run over training prompts.",
    epilog="\b\nExamples:\n"
    "  harness eval --run samples --task prompts=ichikara.json,input=text --model adapter:adapters/mine \\\n"
    "    --repeats 8 --temperature 0.8 --judge gemini\n"
    "  harness pairs samples --output pairs.jsonl",
)
@click.argument("run")
@click.option("--output", metavar="FILE", required=True, help="The JSONL file to write.")
@click.option("--judge", metavar="NAME", help="Whose scores decide.  [default: the run's primary judge]")
@click.option("--model", "models", metavar="LABEL", multiple=True, help="Only answers of this one; may be repeated.")
@click.option(
    "--gap",
    type=FiniteRange(min=0, min_open=True),
    metavar="POINTS",
    help="How far apart two scores must be at least.  [default: a quarter of the scale, 1 point of 1-5]",
)
@click.option(
    "--per-prompt", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Pairs of one prompt."
)
@click.option("--any-length", is_flag=True, help="Do not balance pairs by which of the two answers is longer.")
@click.option("--best", is_flag=True, help="Write the best answer of each prompt, for another SFT, instead of pairs.")
@click.option(
    "--least",
    type=FiniteRange(),
    metavar="SCORE",
    help="With --best: the lowest score that is good enough.  [default: 4 of 1-5]",
)
@benchmark_options
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@common_options
def pairs(**given: Any) -> None:  # noqa: ANN401 - click's values, each of the type that its option has
    """Make training data of a run whose tasks are training prompts, with several answers to each.

    Of two answers to a prompt the one with the higher score is the better one; ties are no pairs. Pairs are balanced by
    length, so that a judge's taste for long answers is not what is learnt. Prompts that are tasks of a benchmark, or
    nearly, and tasks that this store's ledger knows as sealed are refused by name.
    """
    output = Path(given["output"]).expanduser()
    _check(given, output)
    settings = load_config(given["config"])
    run = load_run(given["run"], settings.runs, given["store"])
    judge = _judge(run, given["judge"])
    for label in given["models"]:
        if label not in run.models:
            raise UnknownNameError(tr("model label in this run"), label, run.models)
    prompts = judged_prompts(run, judge.name, given["models"])
    url = store_url(given["store"], settings)
    against = {**benchmark_samples(given["against"], settings), **sealed_by_set(url)}
    benchmarks = [*known_benchmarks(), *(index(name, samples) for name, samples in against.items())]
    near = given["near"] if given["near"] < 1 else None
    refused = _refused(prompts, benchmarks, near, _sealed(url))
    for line in list(refused.values())[:_LISTED]:
        say(tr("  refused: {line}", line=line), err=True)
    if len(refused) > _LISTED:
        say(tr("  refused: {n:,} more", n=len(refused) - _LISTED), err=True)
    kept = [prompt for prompt in prompts if prompt.where not in refused]
    asked = _Asked(
        best=given["best"],
        gap=given["gap"],
        least=given["least"],
        per_prompt=given["per_prompt"],
        balance=not given["any_length"],
    )
    rows, found = _rows(kept, judge, asked)
    counted = [
        *found,
        *([trn("{n:,} answer unscored", "{n:,} answers unscored", n)] if (n := sum(p.unscored for p in kept)) else []),
        *([_refused_said(len(refused), near)] if refused else []),
    ]
    if not rows:
        raise TrainingDataError(
            tr("Run {run} gives no row: {said}.", run=run.name, said="; ".join(map(said, counted))),
            hint=tr("More answers a prompt help (--repeats 8 --temperature 0.8), or a smaller --gap or --least.")
            if kept
            else tr("Take prompts for training that are no tasks of a benchmark."),
        )
    write_whole(
        output,
        "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows),
        then=tr("run the same command again"),
    )
    say(tr("{path}: {rows} by {judge}", path=output, rows=_count(rows, best=asked.best), judge=judge.name))
    for line in counted:
        say(f"  {said(line)}")


def _check(given: Mapping[str, Any], output: Path) -> None:
    """Raise if nothing could come of the command, before the run is read."""
    if output.exists() and not given["overwrite"]:
        raise InputError(
            tr("the file is there already."), path=output, hint=tr("Name another one, or add --overwrite.")
        )
    if not output.parent.is_dir():
        raise InputError(tr("no such folder."), path=output.parent, hint=tr("Make it first, or name another --output."))
    for option, belongs in (("gap", False), ("least", True), ("any_length", False)):
        if given[option] not in {None, False} and given["best"] != belongs:
            name = f"--{option.replace('_', '-')}"
            raise UsageError(
                tr("{option} does not go with --best.", option=name)
                if given["best"]
                else tr("{option} goes with --best only.", option=name),
                hint=tr("Leave out one of them."),
            )


def _judge(run: Run, name: str | None) -> PlannedJudge:
    primary = run_primary(run)
    chosen = name or (primary.judge if primary is not None else "")
    for judge in run.judges:
        if judge.name == chosen:
            return judge
    raise UnknownNameError(tr("judge in this run"), chosen, [judge.name for judge in run.judges])


def _sealed(url: str) -> Mapping[str, str]:
    """Return the names of sets by the tasks, by content, that the ledger knows as parts of a sealed set."""
    if not store_exists(url):
        return {}
    with Store(url, read_only=True) as opened:
        seals = read_ledger(opened).seals
    return {item.partition("#")[0]: seal.name for seal in seals for item in (*seal.sealed, *seal.opened)}


def _refused(
    prompts: Sequence[JudgedPrompt], benchmarks: Sequence[BenchmarkIndex], near: float | None, sealed: Mapping[str, str]
) -> dict[str, str]:
    """Return why prompts may not be trained on, by what they are called."""
    refused: dict[str, str] = {}
    for prompt in prompts:
        if (name := sealed.get(sample_digest(prompt.sample))) is not None:
            refused[prompt.where] = tr("{where}: a task of {name}, a set that is sealed", where=prompt.where, name=name)
    examples = [Example(where=prompt.where, inputs={"input": prompt.sample.input}, answer="") for prompt in prompts]
    for hit in find_hits(examples, benchmarks, near=near):
        refused.setdefault(hit.where, hit.said)
    return refused


def _refused_said(n: int, near: float | None) -> str:
    if near is None:
        return trn("{n:,} prompt refused", "{n:,} prompts refused", n)
    return trn(
        "{n:,} prompt refused: a task, or at least {near:g} of one in common (--near)",
        "{n:,} prompts refused: tasks, or at least {near:g} of one in common (--near)",
        n,
        near=near,
    )


def _rows(
    prompts: Sequence[JudgedPrompt], judge: PlannedJudge, asked: _Asked
) -> tuple[list[dict[str, object]], list[str]]:
    """Return rows to write, and what there is to say of them."""
    scale = judge.scale
    width = scale.high - scale.low
    if asked.best:
        least = scale.low + _LEAST * width if asked.least is None else asked.least
        best = choose_best(prompts, least=least)
        rows: list[dict[str, object]] = [
            {
                "input": prompt.sample.input,
                "output": answer.text,
                "score": answer.score,
                "model": answer.model,
                "task": prompt.task,
                "task_id": prompt.sample.id,
                "judge": judge.name,
            }
            for prompt, answer in best.rows
        ]
        return rows, [
            trn("{n:,} prompt without a whole answer", "{n:,} prompts without a whole answer", best.alone),
            tr("{n:,} with no score of {least:g} or more", n=best.low, least=least),
        ]
    gap = _GAP * width if asked.gap is None else asked.gap
    made = choose_pairs(prompts, gap=gap, per_prompt=asked.per_prompt, balance=asked.balance)
    rows = [
        {
            "prompt": pair.prompt.sample.input,
            "chosen": pair.chosen.text,
            "rejected": pair.rejected.text,
            "score_chosen": pair.chosen.score,
            "score_rejected": pair.rejected.score,
            "model_chosen": pair.chosen.model,
            "model_rejected": pair.rejected.model,
            "task": pair.prompt.task,
            "task_id": pair.prompt.sample.id,
            "judge": judge.name,
        }
        for pair in made.rows
    ]
    return rows, _said(made, gap)


def _said(made: Pairs, gap: float) -> list[str]:
    said: list[str] = [
        trn(
            "{n:,} prompt whose answers are less than {gap:g} apart, ties among them",
            "{n:,} prompts whose answers are less than {gap:g} apart, ties among them",
            made.close,
            gap=gap,
        ),
        trn(
            "{n:,} prompt with fewer than two answers to compare",
            "{n:,} prompts with fewer than two answers to compare",
            made.alone,
        ),
    ]
    if made.before.longer is not None:
        said.append(
            tr(
                "the better answer is the longer one in {before:.0%} of pairs, {ratio:.2f} times as long",
                before=made.before.longer,
                ratio=made.before.ratio,
            )
        )
    if made.unbalanced and made.after.longer is not None:
        said.append(
            trn(
                "balanced by leaving out {n:,} pair: {after:.0%}, {ratio:.2f} times",
                "balanced by leaving out {n:,} pairs: {after:.0%}, {ratio:.2f} times",
                made.unbalanced,
                after=made.after.longer,
                ratio=made.after.ratio,
            )
        )
    elif made.unbalanced:
        said.append(
            tr("none of the {n:,} pairs is left once they are balanced: --any-length keeps them", n=made.unbalanced)
        )
    return said


def _count(rows: Sequence[object], *, best: bool) -> str:
    if best:
        return trn("{n:,} best answer", "{n:,} best answers", len(rows))
    return trn("{n:,} pair", "{n:,} pairs", len(rows))
