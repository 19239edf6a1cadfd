"""What ``harness try`` tries: whose adapter, on which base, asked how, on which tasks. Nothing is loaded."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from harness import plugins
from harness.errors import HarnessError, InputError, UnwritableError, UsageError
from harness.locale import listing, tr
from harness.locale.system import system_said
from harness.models.hf.adapters import unpacking
from harness.plugins import model_info
from harness.protocols import KnowsTrainingPrompt, ModelBackend
from harness.remote.reach import hub_is_reachable, unreachable
from harness.runs.assemble import open_model
from harness.specs import Config, parse_model, split_spec
from harness.tables import read_table
from harness.tables.files import nearby
from harness.tasks.files import ROLE_OF
from harness.templates import load_template
from harness.types import PromptContract

DEFAULT_TASK = "bundled:ja-mini"
TV = "elyza-tasks-100-tv"
_ELYZA = "elyza-tasks-100"
_SIZE = 100
_HUB_ID = re.compile(r"(?!\.)[\w.-]+/[\w.-]+(@[\w.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model to try. ``base``: the spec of what it is compared with, None where that is not known.

    ``prompt``: the template to ask with, None for the usual one · ``notes``: what was found out, a sentence each.
    """

    label: str
    spec: str
    base: str | None
    prompt: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The model specs of the evaluation, the baseline first."""
        tried = f"{self.label}={self.spec}"
        return (tried,) if self.base is None else ("base", tried)


def model_spec(text: str) -> str:
    """Return the model spec of what was typed: a spec as it is, a folder by what it holds, a Hub name as an adapter.

    Raises:
        InputError: it is none of them; the hint names the nearest folder.
        UsageError: a spec without what stands after the colon.

    >>> model_spec("embedded:gemma-3-270m"), model_spec("someone/my-adapter")
    ('embedded:gemma-3-270m', 'adapter:someone/my-adapter')
    """
    parts = split_spec(text)
    if parts.target is not None and parts.backend in plugins.names("models"):
        if parts.target == "":
            raise UsageError(
                tr("{text!r} names nothing after the colon.", text=text),
                hint=tr("harness try takes an adapter's folder, or its name on the Hub."),
            )
        return parts.text
    slashed = text.strip().replace("\\", "/")
    folder = Path(slashed).expanduser()
    if folder.is_dir():
        whole = (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file()
        return f"{'hf' if whole else 'adapter'}:{slashed}"
    if folder.is_file():
        if folder.name in {"adapter_config.json", "adapter_model.safetensors"}:
            return f"adapter:{folder.parent}"
        if folder.suffix == ".zip":
            raise InputError(tr("a file, not the folder of an adapter."), path=text, hint=unpacking(folder))
        return f"{'gguf' if folder.suffix == '.gguf' else 'outputs'}:{slashed}"
    near = nearby(text.strip())
    if near is None and _HUB_ID.fullmatch(slashed):
        return f"adapter:{slashed}"
    raise InputError(
        tr("no such adapter: neither a folder here, nor a name on the Hub (ORG/NAME)."),
        path=text,
        hint=near
        or tr("Give the folder that holds adapter_config.json; relative paths start at {folder}.", folder=Path.cwd()),
    )


def find_subject(
    text: str, config: Config, *, base: str | None, prompt: str | None, options: Mapping[str, Any]
) -> Subject:
    """Return what is tried, with its base and the prompt of its training.

    ``options``: ``quantization`` and ``dtype``, as for an evaluation.

    Raises:
        HarnessError: adapter or base cannot be found, read or reached.
    """
    spec = model_spec(text)
    label = label_of(spec)
    if not spec.startswith("adapter:"):
        note = () if base else (_compared(label, spec, config, options),)
        return Subject(label=label, spec=spec, base=base, prompt=prompt, notes=note)
    check_hub(spec, base)
    [backend] = open_model(parse_model(f"{label}={spec}", config, base=base, **options)).values()
    found = base_of(backend)
    contract = backend.training_prompt() if isinstance(backend, KnowsTrainingPrompt) else None
    chosen, notes = _prompt(contract, config, prompt, label)
    return Subject(label=label, spec=spec, base=found, prompt=chosen, notes=notes)


def _compared(label: str, spec: str, config: Config, options: Mapping[str, Any]) -> str:
    """Return what a model without a base is compared with: of a file with answers of several models, the first."""
    if spec.startswith("outputs:"):
        first, *others = open_model(parse_model(f"{label}={spec}", config, base=None, **options))
        if others:
            return tr("{first} is what {others} is compared with: its answers come first in the file.",
                      first=first, others=listing(others))  # fmt: skip
    return tr("There is nothing to compare it with; --base SPEC names what it was made from.")


def check_hub(spec: str, base: str | None) -> None:
    """Refuse what only the Hub has while it cannot be reached, before any library that takes long to load.

    Raises:
        HubError: the adapter or its base is neither here nor to be had.
    """
    name, _, revision = spec.partition(":")[2].partition("@")
    folder = Path(name).expanduser()
    wanted = [(name, "adapter_config.json", revision)]
    if folder.is_dir():
        recorded = _recorded_base(folder / "adapter_config.json") if base is None else base.removeprefix("hf:")
        name, _, revision = (recorded or "").partition("@")
        wanted = [(name, "config.json", revision)]
    for repo, file, commit in wanted:
        if not _HUB_ID.fullmatch(repo) or Path(repo).expanduser().exists():
            continue
        if not isinstance(try_to_load_from_cache(repo, file, revision=commit or None), str) and not hub_is_reachable():
            raise unreachable(repo)


def _recorded_base(path: Path) -> str | None:
    """Return the base that an adapter names; whatever is wrong with the file is told when it is read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def base_of(backend: ModelBackend) -> str:
    """Return the spec of an adapter's base, at the revision that was found."""
    details = model_info(backend).details
    revision = details.get("base_revision")
    return f"{details['base']}@{revision}" if revision else str(details["base"])


def label_of(spec: str) -> str:
    """Return a label for a model: the last part of its name that says something.

    >>> label_of("adapter:adapters/mine/"), label_of("adapter:me/tuned@v2"), label_of("adapter:base")
    ('mine', 'tuned', 'base-tried')
    """
    target = (split_spec(spec).target or spec).rstrip("/")
    name = re.sub(r"[^\w.+-]", "-", Path(target).name.partition("@")[0]) or "tried"
    return "base-tried" if name == "base" else name


def _prompt(
    contract: PromptContract | None, config: Config, wanted: str | None, label: str
) -> tuple[str | None, tuple[str, ...]]:
    """Return the template of an adapter's training, and what is to be said of it."""
    if wanted is not None:
        return wanted, ()
    if contract is None:
        asked = config.prompt or "course.v1"
        note = tr(
            "The adapter does not say which prompt it was trained with (no prompt_contract.json): both are asked with "
            "{asked}. If that is not its prompt, choose another with --prompt (harness ls prompts).",
            asked=asked,
        )
        return None, (note,)
    try:
        is_here = load_template(contract.template).sha256 == contract.template_sha256
    except HarnessError:
        is_here = False
    if is_here:
        return contract.template, (
            tr("Both are asked with the prompt of its training, {name}.", name=contract.template),
        )
    path = Path(config.runs) / f"{label}.trained.j2"
    _write(path, contract.template_text)
    note = tr(
        "Both are asked with the prompt of its training, {name}, written from its contract to {path}.",
        name=contract.template,
        path=path,
    )
    return str(path), (note,)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    except OSError as error:
        raise UnwritableError(tr("Cannot write {path}: {strerror}.", path=path, strerror=system_said(error))) from error


def task_spec(text: str | None) -> str:
    """Return the task spec of what was typed: a known set by its name, a file by what it holds.

    A file with ids 0 to 99 and nothing but instructions is the competition's; one with 100 references and criteria is
    ELYZA-tasks-100; any other is named after itself.

    Raises:
        InputError: there is no such file or set, or it cannot be read.

    >>> task_spec(None), task_spec("mine=a.jsonl")
    ('bundled:ja-mini', 'mine=a.jsonl')
    """
    if text is None:
        return DEFAULT_TASK
    path = Path(text.replace("\\", "/")).expanduser()
    if not path.is_file():
        is_name = "=" in text or text.partition(":")[0] in plugins.names("tasks")
        if is_name and not path.is_dir():
            return text
        known = difflib.get_close_matches(text, plugins.names("tasks"), n=1)
        raise InputError(
            tr("no such task file."),
            path=text,
            hint=nearby(text, wanted=Path.is_file)
            or (tr("Did you mean {near!r}?", near=known[0]) if known else None)
            or tr("harness ls tasks lists the sets that come along."),
        )
    own = re.sub(r"[^\w.+-]", "-", path.stem)
    return f"{_set_of(path) or own}={path}"


def _set_of(path: Path) -> str | None:
    """Return the known set that a file is a copy of."""
    table = read_table(path, roles=ROLE_OF)
    if len(table.rows) != _SIZE:
        return None
    columns = set(table.columns)
    if columns == {"task_id", "input"}:
        ids = {str(row.values.get("task_id")) for row in table.rows}
        return TV if ids == {str(number) for number in range(_SIZE)} else None
    return (
        _ELYZA
        if {"input", "output", "eval_aspect"} <= columns <= {"input", "output", "eval_aspect", "task_id", "id"}
        else None
    )
