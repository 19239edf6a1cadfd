"""The body of `harness try`: finds what is tried and what can judge, tells the plan, carries it out."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.cli.eval import carry_out, say_notices
from harness.cli.execution import UNSCORED_EXIT, Allowance, command_line, invocation, limit_judges, say_outcome
from harness.cli.options import call_limits
from harness.cli.say import say
from harness.cli.try_end import say_end
from harness.cli.try_judges import AtHand, judges_at_hand
from harness.cli.try_plan import ask_to_go_on, say_plan
from harness.cli.try_subject import Subject, find_subject, task_spec
from harness.locale import tr
from harness.plugins import judge_info
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import assemble, open_task
from harness.runs.declared import asked_declaration, declaration
from harness.runs.finish import check_plan
from harness.runs.folder import new_run
from harness.runs.open_evaluation import OpenedEvaluation
from harness.runs.sealing import read_sealing
from harness.specs import Config, default_run_name, load_config, parse_task, seal_shares, store_mirror, store_url


def try_adapter(
    *,
    adapter: str,
    tasks: str | None,
    judges: tuple[str, ...],
    prompt: str | None,
    base: str | None,
    max_cost: float | None,
    allow_prompt_mismatch: bool,
    wait: bool,
    batch: bool,
    dry_run: bool,
    yes: bool,
    found: Callable[[], None],
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Do what the options of `harness try` ask for, and return the exit code; ``found`` is called before the plan."""
    settings = load_config(config)
    url = store_url(store, settings)
    task = task_spec(tasks)
    samples = open_task(parse_task(task, settings))
    numerics = {name: options[name] for name in ("quantization", "dtype")}
    subject = find_subject(adapter, settings, base=base, prompt=prompt, options=numerics)
    at_hand = judges_at_hand(judges, settings, samples)
    opened = _opened(subject, task, at_hand, url, options, allow_prompt_mismatch=allow_prompt_mismatch)
    evaluation = opened.evaluation
    of_quality = [judge for judge in evaluation.job.judges if judge_info(judge).kind in {"quality", "human"}]
    at_hand = replace(at_hand, tells_quality=bool(of_quality))
    limit_judges(evaluation.job.judges, call_limits(options))
    found()
    say_plan(evaluation, subject, at_hand, url)
    for note in subject.notes:
        say(tr("Note: {note}", note=note), err=True)
    if dry_run:
        say_notices(evaluation)
        say(tr("Nothing was done (--dry-run)."))
        return 0
    folder = new_run(settings.runs, evaluation.name)
    check_plan(evaluation, folder, overwrite=False)
    ask_to_go_on(yes=yes)
    run, outcome = carry_out(opened, folder, Allowance(max_cost=max_cost, wait=wait, batch=batch))
    # A task without rules, or without a reference, is nothing that is missing here.
    unscored = say_outcome(run, of_quality, outcome, folder)
    is_whole = not (unscored or outcome.failures or outcome.stopped or outcome.resumes or outcome.out_of_budget)
    say_end(run, folder, subject, at_hand, retry=None if is_whole else command_line())
    return 0 if is_whole else UNSCORED_EXIT


def _opened(
    subject: Subject,
    task: str,
    at_hand: AtHand,
    url: str,
    options: dict[str, Any],
    *,
    allow_prompt_mismatch: bool,
) -> OpenedEvaluation:
    """Return the evaluation of what is tried, with the seals that it keeps."""
    settings: Config = at_hand.config
    asked = {
        "models": subject.models,
        "tasks": (task,),
        "judges": at_hand.judges,
        "prompts": () if subject.prompt is None else (subject.prompt,),
        "base": subject.base,
        "repeats": 1,
        "judge_repeats": 1,
        "baseline": None,
        "confidence": 0.95,
        "temperature": None,
        "repetition_penalty": None,
        "seed": None,
    }
    names = ("rubric", "limit", "max_new_tokens", "quantization", "dtype", "engine")
    spec = evaluation_spec(settings, **asked, **{name: options[name] for name in names})
    name = f"try-{re.sub(r'[^A-Za-z0-9._+-]', '-', subject.label)}-{default_run_name(spec)}"
    mirror, shares = store_mirror(settings), seal_shares(spec, settings, None)
    sealing = read_sealing(url, date=invocation().date, mirror=mirror, shares=shares, limit=spec.limit)
    evaluation = assemble(
        spec,
        name,
        allow_prompt_mismatch=allow_prompt_mismatch,
        declared=declaration(settings),
        choose=sealing.choose,
    )
    return OpenedEvaluation(
        evaluation=sealing.noted(evaluation), sealing=sealing, asked=asked_declaration(), url=url, mirror=mirror
    )
