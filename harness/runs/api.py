"""What Python programs call: the evaluations of the command line, with the same specs and the same defaults.

Nothing is printed; what a reader should know is among the notices of a run's manifest.
"""

import logging
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from harness.analysis.rows import Difference
from harness.engine.execute import execute
from harness.engine.job import Progress
from harness.engine.looks import Looks
from harness.errors import UsageError
from harness.locale import tr
from harness.models.child_process import none_left_unused
from harness.runs import add_judges as adding
from harness.runs import load, merge
from harness.runs.beside import open_beside
from harness.runs.bundle import write_bundle
from harness.runs.declared import check_declared, check_estimand
from harness.runs.enter import enter
from harness.runs.export import FORMATS, Format, write_table
from harness.runs.finish import finish
from harness.runs.looks import carried_out, looks_for
from harness.runs.open_evaluation import OpenedEvaluation, open_evaluation
from harness.runs.pairs_asked import FORM, open_pairs, split_judges, with_compared
from harness.runs.panels import with_panels
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.runs.spreading import Gpus, spread
from harness.runs.unpacking import refuse_bundle, run_folder
from harness.specs import load_config, parse_judge, store_mirror
from harness.stats import Family
from harness.store.mirror import mirrored_store
from harness.types import Estimand

log = logging.getLogger(__name__)


@none_left_unused()  # a notebook's own process lives on
def evaluate(
    *,
    models: str | Sequence[str],
    tasks: str | Sequence[str],
    judges: str | Sequence[str] = (),
    prompts: str | Sequence[str] = (),
    pairs: str | None = None,
    run: str | None = None,
    panels: str | Sequence[str] = (),
    baseline: str | None = None,
    limit: int | None = None,
    store: str | None = None,
    config: str | None = None,
    base: str | None = None,
    rubric: str | None = None,
    repeats: int = 1,
    judge_repeats: int | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    repetition_penalty: float | None = None,
    seed: int | None = None,
    quantization: Literal["nf4", "none"] | None = None,
    dtype: Literal["bfloat16", "float16", "float32"] | None = None,
    engine: Literal["auto", "hf", "vllm"] | None = None,
    confidence: float = 0.95,
    primary: str | None = None,
    primary_task: str | None = None,
    margin: float | None = None,
    estimand: Estimand | None = None,
    max_cost: float | None = None,
    allow_prompt_mismatch: bool = False,
    seal: float | None = None,
    open_seal: bool = False,
    looks: int | None = None,
    halving: bool = False,
    gpus: Gpus = None,
    progress: Progress | None = None,
) -> Run:
    """Evaluate every model under every prompt on every task by every judge, and return the run.

    Arguments are the options of ``harness eval``, written as there, with its defaults, those of ``harness.toml``
    included. Answers and verdicts go to the store, and what it holds is not done twice; files are written by
    `Run.save`. A verdict or an answer that could not be had is missing in the run, with its reason: no error is raised.

    Args:
        models: Model specs, ``[LABEL=]SPEC``.
        tasks: Task sets, ``NAME[=PATH]``.
        judges: Judges, ``NAME[:OPTION]``; ``pairwise:SPEC`` compares answers, beside the boards.
        prompts: Templates by name or path; none: the configured one, else ``course.v1``.
        pairs: What judges of pairs compare: ``baseline`` (the default), ``all`` or ``anchors:RUN_OR_FILE``.
        run: The run's name; None derives it from what is evaluated.
        panels: Several judges that count as one, ``JUDGE,JUDGE``, or a panel of the configuration by its name.
        baseline: The label that others are compared with; None: ``base``, or the first.
        limit: Only the first so many tasks of each set.
        store: Where rows are kept; None as on the command line: ``sqlite:///runs/store.sqlite``.
        config: A configuration file; None: ``harness.toml`` if it is here.
        base: The base model of ``base`` and of adapters.
        rubric: The rubric of language-model judges.
        repeats: Answers for each prompt.
        judge_repeats: Verdicts on each answer; None: 1, and 2 by a judge whose temperature cannot be 0.
        max_new_tokens: The longest answer; None: 512.
        temperature: None or 0 is greedy.
        repetition_penalty: None: 1.2.
        seed: For sampled answers.
        quantization: None: nf4 on a CUDA GPU, else none.
        dtype: None: the fastest here.
        engine: What answers for local models: transformers (hf) or vllm; None: auto.
        confidence: Of every interval.
        primary: The judge whose verdicts count; None: the first that measures quality, else the first.
        primary_task: The task set whose verdicts count; None: each.
        margin: Points of the primary judge's scale within which rows count as equal; None: 0.075 of it, 0.3 on 1-5.
        estimand: ``new`` (the default): intervals are about new tasks like these; ``these``: about exactly these.
        max_cost: Spend no more than so many US dollars.
        allow_prompt_mismatch: Ask adapters with other prompts than they were trained with.
        seal: Keep this share of each task set for one final claim.
        open_seal: Judge the sealed tasks, for the final claim.
        looks: Look so many times on the way, and stop asking where the verdict is settled.
        halving: Many candidates on few tasks, the better half of them on more.
        gpus: How many GPUs share the answers, or ``all``; None: all that are worth it. Answers are those of one GPU,
            but for the last bits of reduced precision.
        progress: What is told how the work goes, from several threads; None: nobody.

    Raises:
        HarnessError: something cannot be opened, found or written; its message says what, its ``hint`` what to do.
        KeyboardInterrupt: what was finished is stored.
    """
    single, of_pairs = split_judges(_several(judges))
    options: dict[str, Any] = {
        "models": _several(models),
        "prompts": _several(prompts),
        "tasks": _several(tasks),
        "judges": single or ((FORM,) if of_pairs else ()),
        "panels": _several(panels),
        "baseline": baseline,
        "limit": limit,
        "base": base,
        "rubric": rubric,
        "repeats": repeats,
        "judge_repeats": judge_repeats,
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "repetition_penalty": repetition_penalty,
        "seed": seed,
        "quantization": quantization,
        "dtype": dtype,
        "engine": engine,
        "confidence": confidence,
        "primary": primary,
        "primary_task": primary_task,
        "margin": margin,
        "estimand": estimand,
    }
    settings = load_config(config)
    compared = open_pairs(of_pairs, pairs, settings, rubric=rubric)
    comparing = partial(with_compared, asked=compared, runs=settings.runs)
    opened = open_evaluation(
        settings,
        options | {"gpus": gpus},
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        store=store,
        run_name=run,
        allow_prompt_mismatch=allow_prompt_mismatch,
        seal=seal,
        open_seal=open_seal,
    )
    evaluation = opened.evaluation
    judges_now, names = with_panels(evaluation.job.planned_judges, evaluation.panels), [*evaluation.sizes]
    check_declared(opened.asked, judges_now, names)
    check_estimand(evaluation.declared, judges_now, names)
    options |= {"primary": opened.asked.primary, "run": evaluation.name if open_seal else run}
    options |= {"judges": _several(judges), "pairs": pairs, "allow_prompt_mismatch": allow_prompt_mismatch}
    options |= {"config": config, "seal": seal, "open_seal": open_seal, "looks": looks, "halving": halving}
    planned = looks_for(evaluation, looks=looks, halving=halving)
    command = _as_command(options)
    invocation = Invocation(command=command, now=datetime.now().astimezone(), language=settings.lang or "en")
    return _carry_out(opened, planned, progress, invocation, max_cost=max_cost, comparing=comparing, gpus=gpus)


def _carry_out(
    opened: OpenedEvaluation,
    looks: Looks | None,
    progress: Progress | None,
    invocation: Invocation,
    *,
    max_cost: float | None,
    comparing: Callable[..., Run],
    gpus: Gpus,
) -> Run:
    """Return the run that an evaluation came to, entered in the ledger; no file is written but the store.

    ``comparing`` gives it what judges of pairs say.
    """
    progress = progress or Progress()
    spreading = spread(opened.evaluation.job, opened.url, gpus=gpus)
    with spreading as spreads, mirrored_store(opened.url, opened.mirror, tell=log.warning) as rows:
        opened.sealing.write(rows)
        [(done, outcome)] = carried_out(
            opened.evaluation,
            rows,
            looks,
            lambda job, left: [execute(spreads(job), rows, progress, max_cost=left)],
            invocation=invocation,
            max_cost=max_cost,
            tell=log.warning,
        )
        run = finish(done, outcome, rows, invocation=invocation)
        left = None if max_cost is None else max(0.0, max_cost - outcome.spent)
        run = comparing(run, store=rows, progress=progress, invocation=invocation, max_cost=left)
        return enter(run, rows, before=None, date=invocation.date)


def _several(given: object) -> tuple[str, ...]:
    """Return what was given as several, also if it is one: a text is not taken apart into letters.

    Raises:
        UsageError: something of it is no text, such as a `Path`, which says nothing of what is in the file.
    """
    several = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    for one in several:
        if not isinstance(one, str):
            raise UsageError(
                tr("{one!r} is no text.", one=one),
                hint=tr(
                    "Models, tasks, judges and prompts are written as on the command line: 'outputs:answers.jsonl'."
                ),
            )
    return several


_DEFAULTS: dict[str, object] = {"repeats": 1, "confidence": 0.95}
_SEVERAL = {"models": "model", "prompts": "prompt", "tasks": "task", "judges": "judge", "panels": "panel"}


def _as_command(options: Mapping[str, object], *opening: str) -> str:
    """Return the command line that asks for the same."""
    words = ["harness", *(opening or ("eval",))]
    for name, value in options.items():
        flag = f"--{_SEVERAL.get(name, name).replace('_', '-')}"
        if isinstance(value, tuple):
            words += [word for one in value for word in (flag, str(one))]
        elif value is True:
            words.append(flag)
        elif value is not None and value is not False and value != _DEFAULTS.get(name):
            words += [flag, str(value)]
    return shlex.join(words)


def load_run(name: str | Path, *, store: str | None = None, config: str | None = None) -> Run:
    """Return a finished run by its name under runs/, its folder, or a bundle's file.

    ``store``: where its rows are now, if no longer where they were.

    Raises:
        UnknownNameError: there is no such run.
        HarnessError: its files or its store cannot be read.
    """
    return load.load_run(_named(name), load_config(config).runs, store)


def _named(name: str | Path) -> str:
    """Return what is looked up: a path object always means a path, never a name under runs/."""
    return str(name.absolute()) if isinstance(name, Path) else name


def list_runs(*, config: str | None = None) -> list[str]:
    """Return the names of all finished runs under runs/, oldest first."""
    return load.list_runs(load_config(config).runs)


def merge_runs(runs: Iterable[Run | str | Path], *, judges: Sequence[str] = ()) -> Run:
    """Return the rows of several runs of one task set as one run, by the judges named or by all.

    Raises:
        HarnessError: the runs cannot stand on one board; the message says why.
    """
    opened = [_run(run) for run in runs]
    if not opened:
        raise UsageError(tr("There is no run to merge."), hint=tr("Name one or more."))
    return merge.merge_runs(opened, judges)


def add_judges(
    run: Run | str | Path,
    judges: str | Sequence[str],
    *,
    rubric: str | None = None,
    judge_repeats: int | None = None,
    store: str | None = None,
    config: str | None = None,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> Run:
    """Let more judges score every answer that a run has, as ``harness judge`` does, and return the run with them.

    No model is loaded and no file is written but the store; the run given stays as it is. One that the run has with
    another rubric or other settings gets a name of its own.

    Args:
        run: A run, or what `load_run` takes; a bundle has no store to judge into.
        judges: Judges of single answers, ``NAME[:OPTION]``.
        rubric: The rubric of language-model judges.
        judge_repeats: Verdicts on each answer; None: 1, and 2 by a judge whose temperature cannot be 0.
        store: Where rows are kept; None: where the run's are.
        config: A configuration file; None: ``harness.toml`` if it is here.
        max_cost: Spend no more than so many US dollars.
        progress: What is told how the work goes, from several threads; None: nobody.

    Raises:
        UsageError: no judge was named, one compares answers, or the run has no store.
        HarnessError: a judge cannot be opened, or can judge nothing here.
    """
    settings = load_config(config)
    single, of_pairs = split_judges(_several(judges))
    if of_pairs or not single:
        raise UsageError(
            tr("add_judges takes judges of single answers, and got {judges}.", judges=", ".join(of_pairs) or "none"),
            hint=tr("For example: {example}", example='add_judges(run, ["rules"])'),
        )
    if not isinstance(run, Run):
        refuse_bundle(_named(run))
    found = _run(run)
    url = store or found.manifest.store
    if not url:
        raise UsageError(
            tr("Run {name!r} has no store to judge into.", name=found.name),
            hint=tr("Save it first and load it again, or name one: store='sqlite:///PATH'."),
        )
    specs = [parse_judge(text, settings, rubric=rubric) for text in single]
    opened, notices = open_beside(found, specs, tell=log.warning)
    known = (*found.judges, *adding.judging_job(found, opened, judge_repeats).planned_judges)
    now_judges, names = with_panels(known, found.manifest.panels), [task.name for task in found.tasks]
    check_estimand(found.manifest.declared, now_judges, names, looks=found.manifest.looks)
    command = _as_command({"judges": single, "rubric": rubric, "judge_repeats": judge_repeats}, "judge", found.name)
    now = datetime.now().astimezone()
    invocation = Invocation(command=command, now=now, language=found.manifest.language)
    with mirrored_store(url, store_mirror(settings), tell=log.warning) as rows:
        return adding.add_judges(
            found, opened, rows, progress or Progress(), invocation=invocation, notices=notices, repeats=judge_repeats,
            max_cost=max_cost,
        )  # fmt: skip


def compare(
    run: Run | str | Path, *, baseline: str | None = None, family: Family = "baseline", judge: str | None = None
) -> tuple[Difference, ...]:
    """Return every difference of a run's family, unrounded.

    Args:
        run: A run, or what `load_run` takes.
        baseline: The label that others are compared with; None: the run's own.
        family: ``baseline`` (every row against the baseline) or ``all-pairs``: what is compared, and what p-values are
            corrected over.
        judge: Only this judge's scores; None: each judge's.

    Raises:
        UnknownNameError: the run has no model or judge of this name.
    """
    judges = () if judge is None else (judge,)
    return _run(run).leaderboard(baseline=baseline, family=family, judges=judges).differences


def export(run: Run | str | Path, path: str | Path, *, format: Format | None = None) -> Path:  # noqa: A002 - as --format
    """Write a run's scores as a table, or the whole run as a bundle (``.zip``); return the path.

    ``format`` is parquet, csv, xlsx or jsonl; None: as the file's name ends.

    Raises:
        UsageError: the name ends like no format.
        HarnessError: the file cannot be written.
    """
    target, opened = Path(path).expanduser(), _run(run)
    ending = format or target.suffix.lower().removeprefix(".")
    if ending == "zip":
        if isinstance(run, Run):
            write_bundle(opened, target)
        else:
            with run_folder(_named(run), load_config(None).runs) as folder:
                write_bundle(opened, target, folder)
    elif ending in FORMATS:
        write_table(opened.scores(), target, ending)
    else:
        raise UsageError(
            tr("{path} ends like no format.", path=target),
            hint=tr("Known: {formats}.", formats=", ".join([*FORMATS, "zip"])),
        )
    return target


def _run(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else load_run(run)
