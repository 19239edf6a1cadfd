"""``harness prompt``: look at a template as a model sees it, and find what is wrong with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.options import common_options
from harness.cli.say import said, say
from harness.errors import HarnessError, InputError, PromptTokensError, UnknownNameError, UsageError
from harness.locale import tr, trn
from harness.protocols import KnowsTrainingPrompt, ShowsTokens
from harness.runs.assemble import open_model, open_task
from harness.specs import DEFAULT_PROMPT, Config, load_config, parse_model, parse_task
from harness.templates import Template, load_template
from harness.templates.contract import CONTRACT, mismatch, read_contract
from harness.templates.lint import Finding, lint
from harness.types import PromptContract, RenderedPrompt, Sample
from reports.formatting import printable

_DEFAULT_TASK = "bundled:ja-mini"
_WIDTH = 100

_Trained = tuple[KnowsTrainingPrompt, PromptContract]


@click.group("prompt", short_help="Show a prompt as a model sees it, or check a template.")
def prompt() -> None:
    """Look at templates: `show` fills one, `lint` says what is wrong with one, `extract` gets an adapter's."""


@prompt.command(
    "show",
    short_help="Show the messages, the text and the token ids of a prompt.",
    epilog="Example: harness prompt show course.v1 --task bundled:ja-mini --task-id 3 --model embedded:gemma-3-270m",
)
@click.argument("name", default=DEFAULT_PROMPT)
@click.option("--task", metavar="NAME[=PATH]", help="Where the instruction is from.  [default: bundled:ja-mini]")
@click.option("--task-id", metavar="ID", help="Which one.  [default: the first]")
@click.option("--input", "text", metavar="TEXT", help="An instruction of your own instead.")
@click.option("--model", "models", metavar="SPEC", multiple=True, help="Show the token ids for it; may be repeated.")
@click.option("--base", metavar="SPEC", help="The base model of `base` and of adapters.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def show(
    *,
    name: str,
    task: str | None,
    task_id: str | None,
    text: str | None,
    models: tuple[str, ...],
    base: str | None,
    as_json: bool,
    config: str | None,
    store: str | None,
) -> None:
    """Show template NAME (a name or a path) filled with one task."""
    del store
    settings = load_config(config)
    template = load_template(name)
    if text is not None and (task or task_id):
        raise UsageError(tr("--input and --task were both given."), hint=tr("Leave one out."))
    sample = _sample(task or _DEFAULT_TASK, task_id, settings) if text is None else None
    rendered = template.render({"input": text} if sample is None else sample.inputs)
    tokens = {model: _tokens(model, rendered, settings, base) for model in models}
    if as_json:
        document = {
            "template": {"name": template.name, "source": template.source, "sha256": template.sha256},
            "task_id": None if sample is None else sample.id,
            "rendered": asdict(rendered),
            "tokens": {model: [list(token) for token in row] for model, row in tokens.items()},
        }
        say(json.dumps(document, ensure_ascii=False, indent=1))
        return
    say("\n\n".join(_shown(template, rendered) + [_token_lines(*item) for item in tokens.items()]))


@prompt.command(
    "lint",
    short_help="Say what is wrong or doubtful in a template.",
    epilog="Example: harness prompt lint prompts/mine.j2 --task bundled:ja-mini",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME|PATH...")
@click.option("--task", metavar="NAME[=PATH]", help="Check variables against the columns of this task.")
@click.option("--adapter", metavar="SPEC", help="Compare with the prompt that this adapter was trained with.")
@click.option("--base", metavar="SPEC", help="The base model of the adapter.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def lint_prompts(
    *,
    names: tuple[str, ...],
    task: str | None,
    adapter: str | None,
    base: str | None,
    as_json: bool,
    config: str | None,
    store: str | None,
) -> int:
    """Check templates; the exit code is 1 if one has an error."""
    del store
    settings = load_config(config)
    columns = None
    if task is not None:
        samples = open_task(parse_task(task, settings))
        columns = set.intersection(*(set(sample.inputs) for sample in samples))
    trained = None if adapter is None else _trained(adapter, settings, base)
    found = {name: _lint(name, columns, trained) for name in names}
    if as_json:
        say(json.dumps({name: [asdict(item) for item in row] for name, row in found.items()}, indent=1))
    else:
        for name, findings in found.items():
            for item in findings:
                where = name if item.line is None else f"{name}:{item.line}"
                level = tr("error") if item.level == "error" else tr("warning")
                say(tr("{where}: {level}: {text} ({code})", where=where, level=level, text=item.text, code=item.code))
            if not findings:
                say(tr("{name}: nothing to remark", name=name))
    return int(any(item.level == "error" for findings in found.values() for item in findings))


@prompt.command(
    "extract",
    short_help="Print the template that an adapter was trained with.",
    epilog="Example: harness prompt extract adapter:DIR > trained.j2",
)
@click.argument("adapter", metavar="SPEC")
@click.option("--base", metavar="SPEC", help="The base model of the adapter.")
@common_options
def extract(*, adapter: str, base: str | None, config: str | None, store: str | None) -> None:
    """Print the template in the contract of an adapter (adapter:DIR, or DIR), as the file that it was."""
    del store
    folder = Path(adapter.removeprefix("adapter:")).expanduser()
    contract = read_contract(folder) if folder.is_dir() else _trained(adapter, load_config(config), base)[1]
    if contract is None:
        raise _unknown(adapter)
    say(contract.template_text, nl=False)


def _trained(adapter: str, settings: Config, base: str | None) -> _Trained:
    """Return an adapter's backend and contract; ``adapter`` is a model's spec or an adapter's folder."""
    text = f"adapter:{adapter}" if Path(adapter).expanduser().is_dir() else adapter
    for backend in open_model(parse_model(text, settings, base=base)).values():
        contract = backend.training_prompt() if isinstance(backend, KnowsTrainingPrompt) else None
        if contract is not None and isinstance(backend, KnowsTrainingPrompt):
            return backend, contract
    raise _unknown(adapter)


def _unknown(adapter: str) -> HarnessError:
    return PromptTokensError(
        tr("{adapter!r} has no {contract}: its training prompt is unknown.", adapter=adapter, contract=CONTRACT),
        hint=tr("Adapters that harness train made have one; of others only their author can say."),
    )


def _lint(name: str, columns: set[str] | None, trained: _Trained | None) -> list[Finding]:
    try:
        template = load_template(name)
    except UnknownNameError:
        raise
    except InputError as error:  # located by name already
        return [Finding(level="error", code="invalid", line=error.line, text=error.said)]
    return [*lint(template, columns), *([] if trained is None else _against(template, *trained))]


def _against(template: Template, backend: KnowsTrainingPrompt, contract: PromptContract) -> list[Finding]:
    difference = mismatch(contract, template, backend.tokens)
    if difference is None:
        return []
    return [
        Finding(
            level="error",
            code="contract",
            line=None,
            text=tr("the adapter was {difference}.", difference=difference.sentence),
        )
    ]


def _sample(task: str, task_id: str | None, settings: Config) -> Sample:
    samples = open_task(parse_task(task, settings))
    if task_id is None:
        return samples[0]
    for sample in samples:
        if sample.id == task_id:
            return sample
    raise UnknownNameError(tr("task id in {task}", task=task), task_id, [sample.id for sample in samples])


def _tokens(text: str, rendered: RenderedPrompt, settings: Config, base: str | None) -> Sequence[tuple[int, str]]:
    for label, backend in open_model(parse_model(text, settings, base=base)).items():
        if isinstance(backend, ShowsTokens):
            return backend.tokens(rendered)
        raise PromptTokensError(
            tr("Model {label!r} does not show its tokens.", label=label),
            hint=tr("Token ids are known of local models: base, adapter:, hf:, gguf:, embedded:."),
        )
    raise UsageError(tr("Model {text!r} names no model.", text=text))


def _shown(template: Template, rendered: RenderedPrompt) -> list[str]:
    facts = [
        "published" if template.source is None else str(template.source),
        f"sha256 {template.sha256[:12]}",
        f"format {rendered.format}",
        f"BOS {rendered.bos}",
        *(f"stop {stop!r}" for stop in rendered.stop),
    ]
    parts = [f"{template.name} ({', '.join(facts)})"]
    parts += (f"[{message.role}]\n{_visible(message.content)}" for message in rendered.messages)
    if rendered.format == "chat":
        form = "none: such a tokenizer is refused" if rendered.text_form is None else _visible(rendered.text_form)
        parts.append(f"[text form, for a tokenizer without chat template]\n{form}")
    return parts


def _visible(text: str) -> str:
    """Return text with every line end marked, so that a missing or doubled one is seen."""
    return printable(text).replace("\n", "⏎\n").removesuffix("\n")


def _token_lines(model: str, tokens: Sequence[tuple[int, str]]) -> str:
    lines = [""]
    for number, text in tokens:
        piece = f"{number} {_visible(text).replace(chr(10), '')}"
        if len(lines[-1]) + len(piece) > _WIDTH:
            lines.append("")
        lines[-1] += f"{piece} | "
    head = said(trn("[{n} token of {model}]", "[{n} tokens of {model}]", len(tokens), model=model))
    return "\n".join([head, *(line.removesuffix(" | ") for line in lines)])
