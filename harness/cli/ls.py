"""``harness ls``: what can be named on the command line, and which runs there are."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import EntryPoint

import click

from harness import plugins
from harness.cli.options import common_options
from harness.cli.say import said, say
from harness.cli.table import table
from harness.errors import HarnessError, InputError
from harness.installation import add_extra
from harness.locale import tr
from harness.runs.folder import RunFolder, run_folders
from harness.specs import Config, load_config
from harness.templates import load_template, own_templates, template_names
from reports.formatting import minute, number, printable, score_digits
from trainers.recipe import Recipe, load_recipe, recipe_names

# How each built-in is written on the command line; a stranger's plugin is shown by its name.
_MODEL_FORMS = {
    "adapter": "adapter:REPO_OR_DIR[@REV]",
    "checkpoints": "checkpoints:DIR",
    "embedded": "embedded:gemma-3-270m",
    "gemini": "gemini:MODEL",
    "gguf": "gguf:PATH",
    "hf": "hf:REPO_OR_DIR[@REV]",
    "openai": "openai:MODEL",
    "outputs": "outputs:PATH",
}
_JUDGE_FORMS = {
    "gemini": "gemini[:MODEL]",
    "human": "human:PATH",
    "local": "local:MODEL_SPEC",
    "openai": "openai[:MODEL]",
    "python": "FILE.py[:NAME]",
    "scores": "scores:PATH",
}
_TASK_FORMS = {
    "bundled": "bundled:ja-mini",
    "elyza-tasks-100": "elyza-tasks-100[=PATH]",
    "elyza-tasks-100-tv": "elyza-tasks-100-tv=PATH",
    "file": "NAME=PATH",
}
_WIDTH = 60  # characters of a name that a listing shows


@click.command("ls", short_help="List models, judges, tasks, prompts, recipes or runs.")
@click.argument("what", type=click.Choice(["models", "judges", "tasks", "prompts", "recipes", "runs"]))
@common_options
def ls(what: str, config: str | None, store: str | None) -> None:
    """List what can be named after --model, --judge, --task, --prompt and --recipe, or the runs made so far."""
    del store
    listing: dict[str, Callable[[Config], str]] = {
        "models": lambda _: _plugins("models", _MODEL_FORMS),
        "judges": lambda _: _plugins("judges", _JUDGE_FORMS),
        "tasks": _tasks,
        "prompts": lambda _: _prompts(),
        "recipes": lambda _: _recipes(),
        "runs": _runs,
    }
    say(listing[what](load_config(config)))


def _plugins(group: plugins.Group, forms: dict[str, str]) -> str:
    rows = []
    for name in plugins.names(group):
        point = plugins.entry(group, name)
        rows.append((forms.get(name, name), _from(point), tr("yes") if _ready(group, name) else _install(point)))
    return table(rows, [tr("write"), tr("from"), tr("ready")])


def _ready(group: plugins.Group, name: str) -> bool:
    return plugins.missing_extra(group, name) is None


def _install(point: EntryPoint) -> str:
    return add_extra(",".join(point.extras))


def _from(point: EntryPoint) -> str:
    return point.dist.name if point.dist else tr("unknown")


def _tasks(config: Config) -> str:
    rows = [(_TASK_FORMS.get(name, name), _from(plugins.entry("tasks", name))) for name in plugins.names("tasks")]
    rows += [(name, "harness.toml") for name in config.tasks]
    return table(rows, [tr("write"), tr("from")])


def _prompts() -> str:
    own = {name: ", ".join(map(str, paths)) for name, paths in own_templates("tasks").items()}
    sources = dict.fromkeys(template_names("tasks"), tr("published")) | own
    rows = [_prompt_row(name, source) for name, source in sources.items()]
    return table(rows, [tr("prompt"), tr("from"), tr("format"), "BOS", "sha256", tr("purpose")])


def _prompt_row(name: str, source: str) -> tuple[str, ...]:
    try:
        template = load_template(name)
    except HarnessError as error:  # one that cannot be used must not hide the others
        return name, source, "", "", "", tr("unusable: {message}", message=error.message)
    purpose = said(tr(printable(str(template.meta.get("purpose", "")))))
    return name, source, template.format, template.bos, template.sha256[:12], purpose


def _recipes() -> str:
    headers = [
        tr("recipe"),
        tr("prompt"),
        tr("effective batch"),
        tr("learning rate"),
        "r",
        tr("loss"),
        "max_length",
        tr("summary"),
    ]
    rows = [_recipe_row(name, load_recipe(name).values) for name in recipe_names()]
    return table(rows, headers)


def _recipe_row(name: str, recipe: Recipe) -> tuple[str, ...]:
    mantissa, exponent = f"{recipe.learning_rate:.2e}".split("e")
    rate = f"{float(mantissa):g}e{int(exponent)}"
    size, rank, length = str(recipe.batch_size), str(recipe.lora_r), str(recipe.max_length)
    return name, recipe.prompt, size, rate, rank, recipe.loss, length, said(tr(recipe.summary))


def _runs(config: Config) -> str:
    folders = run_folders(config.runs)
    if not folders:
        return tr(
            "No runs in {runs}/ yet. Make one: harness eval --task bundled:ja-mini --model echo --judge rules",
            runs=config.runs,
        )
    rows = []
    before: dict[tuple[str, ...], float] = {}
    for folder in folders:
        rows += _run_rows(folder, before)
    headers = [tr("run"), tr("date"), tr("task"), tr("judge"), tr("model"), tr("prompt"), tr("mean"), "n", tr("change")]
    return table(rows, headers)


def _run_rows(folder: RunFolder, before: dict[tuple[str, ...], float]) -> list[tuple[str, ...]]:
    """Return a run's rows; ``before`` holds each row's mean, as shown, in the runs before, and is kept up to date."""
    try:
        results = folder.results() if folder.manifest() else None
    except InputError:
        return [(_cell(folder.name), tr("cannot be read"), *[""] * 7)]
    if results is None:
        return [(_cell(folder.name), tr("not finished"), *[""] * 7)]
    date = _local(str(results["provenance"]["date"]))
    rows = []
    for row in results["rows"]:
        place = tuple(str(row[key]) for key in ("task", "judge", "model", "prompt"))
        mean, digits = row["mean"], score_digits(*row["scale"])
        shown_mean = None if mean is None else round(mean, digits)
        # No test is made of it: it is what lies between the two means that stand in the table.
        change = number(shown_mean - before[place], digits) if shown_mean is not None and place in before else ""
        if shown_mean is not None:
            before[place] = shown_mean
        shown = [_cell(str(row[key] or "–")) for key in ("task", "judge", "model", "prompt")]
        rows.append((_cell(folder.name), date, *shown, number(mean, digits), str(row["n"]), _signed(change)))
    return rows


def _local(date: str) -> str:
    """Return when a run was made, in the time of this machine."""
    try:
        return minute(datetime.fromisoformat(date).astimezone().isoformat(timespec="seconds"))
    except ValueError:
        return printable(date)


def _cell(text: str) -> str:
    """Return a name as one short line, whatever it holds."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _signed(change: str) -> str:
    return change if not change or change.startswith("-") or not change.strip("0.") else f"+{change}"
