"""``harness try``: an adapter and perhaps a task file in, the verdict in one sentence out."""

import re
from dataclasses import replace
from typing import Any

import click

from harness.cli.eval import carry_out, say_notices
from harness.cli.execution import UNSCORED_EXIT, command_line, invocation, limit_judges, say_outcome
from harness.cli.options import FiniteRange, call_limits, common_options, pace_options
from harness.cli.say import say
from harness.cli.try_end import say_end
from harness.cli.try_judges import AtHand, judges_at_hand
from harness.cli.try_plan import ask_to_go_on, say_plan
from harness.cli.try_subject import Subject, find_subject, task_spec
from harness.locale import tr
from harness.plugins import judge_info
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble, open_task
from harness.runs.declared import declaration
from harness.runs.finish import check_plan
from harness.runs.folder import new_run
from harness.runs.sealing import Sealing, read_sealing
from harness.specs import Config, default_run_name, load_config, parse_task, seal_shares, store_mirror, store_url


@click.command(
    "try",
    short_help="Try an adapter: is it better than its base?",
    epilog="\b\nExamples:\n  harness try adapters/mine\n  harness try adapters/mine elyza-tasks-100-TV_0.jsonl --yes",
)
@click.argument("adapter", metavar="ADAPTER")
@click.argument("tasks", metavar="[TASKS]", required=False)
@click.option("--judge", "judges", metavar="NAME[:OPTION]|FILE.py", multiple=True, help="A judge; may be repeated.")
@click.option("--rubric", metavar="NAME|PATH", help="The rubric of language-model judges.")
@click.option("--prompt", metavar="NAME|PATH", help="A template.  [default: the one that the adapter was trained with]")
@click.option("--base", metavar="SPEC", help="The base model.  [default: the adapter's own]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N tasks.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.  [default: 512]")
@click.option("--quantization", type=click.Choice(["nf4", "none"]), help="[default: nf4 on a CUDA GPU, else none]")
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: the fastest here]")
@click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@click.option(
    "--allow-prompt-mismatch", is_flag=True, help="Ask adapters with other prompts than they were trained with."
)
@pace_options
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Begin without asking.")
@common_options
def try_(
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
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Ask an adapter and its base the same TASKS, judge the answers with what is at hand, and say which is better.

    ADAPTER is a folder, a name on the Hub, or any model spec. TASKS is a file or a known set; without it, the tasks
    that come along. Base and training prompt are found in the adapter. The judge is the one whose key is in the
    environment (GEMINI_API_KEY, OPENAI_API_KEY), else a server on this machine (Ollama, llama.cpp, vLLM, LM Studio).
    """
    settings = load_config(config)
    url = store_url(store, settings)
    task = task_spec(tasks)
    samples = open_task(parse_task(task, settings))
    say(tr("Looking at the adapter, its base and what can judge ..."), err=True)  # loading the libraries takes seconds
    numerics = {name: options[name] for name in ("quantization", "dtype")}
    subject = find_subject(adapter, settings, base=base, prompt=prompt, options=numerics)
    at_hand = judges_at_hand(judges, settings, samples)
    evaluation, sealing = _assembled(subject, task, at_hand, url, options, allow_prompt_mismatch=allow_prompt_mismatch)
    of_quality = [judge for judge in evaluation.job.judges if judge_info(judge).kind in {"quality", "human"}]
    at_hand = replace(at_hand, tells_quality=bool(of_quality))
    limit_judges(evaluation.job.judges, call_limits(options))
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
    run, outcome = carry_out(
        evaluation,
        folder,
        url,
        sealing=sealing,
        mirror=store_mirror(settings),
        max_cost=max_cost,
        wait=wait,
        batch=batch,
    )
    # A task without rules, or without a reference, is nothing that is missing here.
    unscored = say_outcome(run, of_quality, outcome, folder)
    is_whole = not (unscored or outcome.failures or outcome.stopped or outcome.resumes or outcome.out_of_budget)
    say_end(run, folder, subject, at_hand, retry=None if is_whole else command_line())
    return 0 if is_whole else UNSCORED_EXIT


def _assembled(
    subject: Subject,
    task: str,
    at_hand: AtHand,
    url: str,
    options: dict[str, Any],
    *,
    allow_prompt_mismatch: bool,
) -> tuple[Evaluation, Sealing]:
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
    names = ("rubric", "limit", "max_new_tokens", "quantization", "dtype")
    spec = evaluation_spec(settings, **asked, **{name: options[name] for name in names})
    name = f"try-{re.sub(r'[^A-Za-z0-9._+-]', '-', subject.label)}-{default_run_name(spec)}"
    sealing = read_sealing(
        url,
        date=invocation().date,
        mirror=store_mirror(settings),
        shares=seal_shares(spec, settings, None),
        limit=spec.limit,
    )
    evaluation = assemble(
        spec,
        name,
        allow_prompt_mismatch=allow_prompt_mismatch,
        declared=declaration(settings),
        choose=sealing.choose,
    )
    return sealing.noted(evaluation), sealing
