"""Options that several commands share."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli.door import opened
from harness.cli.say import said
from harness.locale import LANGUAGES, Language, language_of, tr
from harness.protocols import CallLimits

F = TypeVar("F", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):
    """A number in a range; infinity and NaN, which a range check may let through, are none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return the number, or fail as click does."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(said(tr("{value!r} is not a finite number.", value=value)), param, ctx)
        return number


class HowMany(click.ParamType[Any]):
    """A number of things of this machine, or all of them."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        """Return the number, or ``all``; fail as click does."""
        return value if value == "all" else click.IntRange(min=1).convert(value, param, ctx)


def chosen_language(arguments: Sequence[str]) -> Language:
    """Return the language of a command, which is wanted before its arguments are read: they may be wrong.

    It is that of ``--lang``, else that of the configuration, else the environment's.
    """
    flag = _value("--lang", arguments)
    return language_of(flag if flag in LANGUAGES else None, None if flag else _configured(arguments))


def _value(option: str, arguments: Sequence[str]) -> str | None:
    for place, argument in enumerate(arguments):
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
        if argument == option:
            return next(iter(arguments[place + 1 :]), None)
    return None


def _configured(arguments: Sequence[str]) -> str | None:
    """Return the language that the configuration names; whatever is wrong with it is told when it is read."""
    path = Path(_value("--config", arguments) or "harness.toml")
    if not path.is_file():
        return None
    try:  # --help need not load what reads it
        lang = opened("tomllib:loads")(path.read_text(encoding="utf-8-sig")).get("lang")
    except (OSError, ValueError):
        return None
    return lang if lang in LANGUAGES else None


def language_option(command: F) -> F:
    """Add ``--lang``, which `chosen_language` has read already."""
    return click.option(
        "--lang", type=click.Choice(LANGUAGES), expose_value=False, help="English or Japanese.  [default: the system's]"
    )(command)


def _set_up_logging(_ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    logging.basicConfig(level=logging.INFO if value else logging.CRITICAL, format="%(levelname)s %(name)s: %(message)s")


def _check_store(_ctx: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    """Refuse what is no store, also by a command that has no use for one."""
    if url is not None:
        opened("harness.store.database:database_of")(url)  # loads SQLAlchemy, which --help need not
    return url


def common_options(command: F) -> F:
    """Add ``--config``, ``--store``, ``--lang`` and ``--debug``."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, callback=_set_up_logging, help="Show tracebacks."),
        language_option,
        click.option(
            "--store",
            metavar="URL",
            is_eager=True,
            callback=_check_store,
            help="Where rows live: a file, or PostgreSQL.  [default: sqlite:///runs/store.sqlite]",
        ),
        click.option("--config", metavar="PATH", help="Configuration.  [default: harness.toml if it is here]"),
    ):
        command = option(command)
    return command


def pace_options(command: F) -> F:
    """Add how many calls the judges that are served may make, and whether to wait where they may make no more."""
    for option in reversed(_PACE):
        command = option(command)
    return command


def call_limits(options: Mapping[str, Any]) -> CallLimits:
    """Return what the options of `pace_options` say, out of those of a command."""
    return CallLimits(**{item.name: options[item.name] for item in fields(CallLimits)})


_PACE = (
    click.option(
        "--requests-per-minute", type=FiniteRange(min=0, min_open=True), metavar="N", help="Of judges on a server."
    ),
    click.option("--requests-per-day", type=click.IntRange(min=1), metavar="N", help="Of judges on a server."),
    click.option("--tokens-per-minute", type=click.IntRange(min=1), metavar="N", help="Of judges on a server."),
    click.option("--batch", is_flag=True, help="Judge in batches: half the price, done within a day (Gemini, OpenAI)."),
    click.option("--wait", is_flag=True, help="When a quota is used up, wait until it begins anew, and go on."),
)


def evaluation_options(command: F) -> F:
    """Add what `eval` and `ab` share: what is evaluated and declared, how answers are made, and how far to go."""
    for option in reversed((*_EVALUATION, *_DECLARED)):
        command = option(command)
    return command


def declared_options(command: F) -> F:
    """Add what is declared before looking."""
    for option in reversed(_DECLARED):
        command = option(command)
    return command


_DECLARED = (
    click.option(
        "--primary", metavar="JUDGE", help="The judge whose verdicts count.  [default: the first that measures quality]"
    ),
    click.option("--primary-task", metavar="NAME", help="The task set whose verdicts count.  [default: each]"),
    click.option(
        "--margin",
        type=FiniteRange(min=0, min_open=True),
        metavar="X",
        help="Points within which rows count as equal.  [default: 0.3 on 1-5]",
    ),
    click.option(
        "--estimand",
        type=click.Choice(["new", "these"]),
        help="Intervals about new tasks like these, or about exactly these.  [default: new]",
    ),
)
_EVALUATION = (
    click.option("--model", "models", metavar="[LABEL=]SPEC", multiple=True, help="A model; may be repeated."),
    click.option("--task", "tasks", metavar="NAME[=PATH]", multiple=True, help="A task set; may be repeated."),
    click.option("--prompt", "prompts", metavar="NAME|PATH", multiple=True, help="A template.  [default: course.v1]"),
    click.option("--judge", "judges", metavar="NAME[:OPTION]|FILE.py", multiple=True, help="A judge; may be repeated."),
    click.option("--rubric", metavar="NAME|PATH", help="The rubric of language-model judges."),
    click.option("--base", metavar="SPEC", help="The base model of `base` and of adapters."),
    click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Answers per prompt."),
    click.option(
        "--judge-repeats",
        type=click.IntRange(min=1),
        metavar="N",
        help="Verdicts per answer.  [default: 1, 2 where temperature cannot be 0]",
    ),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N tasks of each set."),
    click.option("--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.  [default: 512]"),
    click.option("--temperature", type=FiniteRange(min=0), metavar="T", help="0 is greedy.  [default: 0]"),
    click.option("--repetition-penalty", type=FiniteRange(min=0, min_open=True), metavar="P", help="[default: 1.2]"),
    click.option("--seed", type=int, metavar="S", help="For sampled answers.  [default: 0]"),
    click.option("--quantization", type=click.Choice(["nf4", "none"]), help="[default: nf4 on a CUDA GPU, else none]"),
    click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: the fastest here]"),
    click.option(
        "--engine", type=click.Choice(["auto", "hf", "vllm"]), help="What answers for local models.  [default: auto]"
    ),
    click.option(
        "--gpus", type=HowMany(), metavar="N|all", help="GPUs that share the answers.  [default: all worth it]"
    ),
    click.option(
        "--processes", type=click.IntRange(min=1), hidden=True, help="Processes that share them, on any device."
    ),
    click.option("--confidence", type=FiniteRange(0.5, 0.999), default=0.95, show_default=True, help="Of intervals."),
    click.option(
        "--run", "run_name", metavar="NAME", help="The run's name.  [default: derived from what is evaluated]"
    ),
    click.option("--max-unscored", type=click.IntRange(min=0), default=0, show_default=True, help="More: exit code 3."),
    click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this."),
    click.option(
        "--allow-prompt-mismatch", is_flag=True, help="Ask adapters with other prompts than they were trained with."
    ),
    click.option("--overwrite", is_flag=True, help="Replace a run of this name that has another plan."),
    click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing."),
)
