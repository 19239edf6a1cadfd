"""Adapter folders: what they say of themselves, and what is refused before anything is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import AdapterMismatchError, HarnessError, InputError
from harness.locale import tr
from harness.models.hf import hub
from harness.models.hf.digests import weights_digest
from harness.models.hf.kinds import check_kind
from harness.models.hf.reading import check_folder, json_object
from harness.models.hf.sources import can_resolve, model_name, split_revision
from harness.notices import Notice
from harness.tables.files import nearby
from harness.templates.contract import CONTRACT

_WHOLE = tr("An adapter's folder holds adapter_config.json and adapter_model.safetensors: copy both.")
_PACKED = {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".xz", ".zst"}

DEFAULT_BASE = "llm-jp/llm-jp-3-13b"  # what --base is when nobody chose one
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PICKLED = "adapter_model.bin"
_BACKEND = re.compile(r"(hf|gguf|embedded|checkpoints|outputs|echo|openai|gemini):")
_CHECKPOINT = re.compile(r"checkpoint-[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter folder. ``digest`` covers its configuration and weights; ``base`` is as its training recorded it.

    ``rank`` is None where there is none, or where it differs between layers.
    """

    name: str
    folder: Path
    digest: str
    kind: str
    base: str | None
    base_revision: str | None
    rank: int | None
    has_contract: bool

    @property
    def contract_folder(self) -> Path:
        """The folder that its prompt contract is in: a checkpoint's is in that of its training."""
        return contract_folder(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChoice:
    """The base to load for an adapter, and the sentence for the report if it is not simply the recorded one."""

    base: str
    revision: str | None
    notice: Notice | None = None


def _this_folder() -> str:
    return tr("Give the folder that holds adapter_config.json; relative paths start at {folder}.", folder=Path.cwd())


def unpacking(path: Path) -> str:
    """Return the hint for a file where the folder of an adapter is wanted: most often it was packed to be sent."""
    if path.suffix.lower() in _PACKED:
        return tr("Unpack it, and give the folder that holds adapter_config.json.")
    return tr("Give the folder that holds adapter_config.json.")


def _other_spec(target: str, backend: str) -> InputError:
    """Return the error for a spec of something else than an adapter."""
    if backend == "checkpoints":
        hint = tr("Give one of them: DIR/checkpoints/checkpoint-N.")
        return InputError(tr("all checkpoints of a training, not one adapter."), path=target, hint=hint)
    hint = tr("Give the folder that holds adapter_config.json.")
    return InputError(tr("a model, not an adapter."), path=target, hint=hint)


def open_adapter(target: str, revision: str | None = None) -> Adapter:
    """Return the adapter in a folder or on the Hub.

    Raises:
        InputError: no folder, no adapter_config.json, pickled weights only, or a kind
            that cannot be evaluated.
        HarnessError: the Hub has no such adapter, refuses it, or cannot be reached.
    """
    folder = Path(target).expanduser()
    if not folder.is_dir():
        if folder.exists():
            raise InputError(tr("a file, not the folder of an adapter."), path=target, hint=unpacking(folder))
        if (backend := _BACKEND.match(target)) is not None:
            raise _other_spec(target, backend[1])
        if not can_resolve(target):
            hint = nearby(target, "adapter:", wanted=Path.is_dir) or _this_folder()
            raise InputError(tr("no such adapter folder."), path=target, hint=hint)
        folder, _ = hub.download_adapter(target, revision)
    config = _config(folder)
    check_folder(folder)
    kind = check_kind(config, folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        if (folder / _PICKLED).exists():
            raise InputError(
                tr("only {pickled}, a pickle, which can run code when loaded; it is refused.", pickled=_PICKLED),
                path=folder,
                hint=tr("Convert it once, where you trust it: PeftModel.from_pretrained(…).save_pretrained(DIR)."),
            )
        raise InputError(tr("no {weights}.", weights=WEIGHTS), path=folder, hint=_WHOLE)
    base, recorded = config.get("base_model_name_or_path"), config.get("revision")
    return Adapter(
        name=target,
        folder=folder,
        digest=weights_digest(folder / CONFIG, folder / WEIGHTS),
        kind=kind,
        base=str(base) if base else None,
        base_revision=str(recorded) if recorded else None,
        rank=None if config.get("rank_pattern") or not isinstance(config.get("r"), int) else config.get("r"),
        has_contract=(contract_folder(folder) / CONTRACT).is_file(),
    )


def contract_folder(folder: Path) -> Path:
    """Return the folder that an adapter's prompt contract is in, or would be: of a checkpoint, its training's."""
    above = (folder.parent, folder.parent.parent) if _CHECKPOINT.fullmatch(folder.name) else ()
    return next((one for one in (folder, *above) if (one / CONTRACT).is_file()), folder)


def choose_base(adapter: Adapter, wanted: str | None) -> BaseChoice:
    """Return the base to load for an adapter, given the one that ``--base`` or harness.toml names.

    The recorded base counts. A copy of it (another organisation, a local path, a quantised copy) is recognised by the
    name that it ends in; a recorded path that does not exist here leaves the decision to ``--base``. Whatever is
    chosen, the adapter's tensors must fit it when it is loaded.

    Raises:
        HarnessError: the recorded base is another one, or cannot be found and no base was chosen.
    """
    chosen, revision = split_revision(wanted or DEFAULT_BASE)
    is_default = wanted is None or wanted == DEFAULT_BASE
    recorded = adapter.base
    if recorded is None:
        return BaseChoice(
            base=chosen,
            revision=revision,
            notice=Notice(
                "base_not_recorded",
                tr("adapter {name} does not record its base; {chosen} was taken", name=adapter.name, chosen=chosen),
            ),
        )
    if _same(recorded, chosen):
        _check_revision(adapter, chosen, revision)
        return BaseChoice(base=chosen, revision=revision or adapter.base_revision)
    if model_name(recorded) == model_name(chosen):
        notice = Notice(
            "base_by_name",
            tr(
                "adapter {name} records the base {recorded!r}; matched with {chosen!r} by name and shapes",
                name=adapter.name,
                recorded=recorded,
                chosen=chosen,
            ),
        )
        return BaseChoice(base=chosen, revision=revision, notice=notice)
    if can_resolve(recorded):
        if is_default:
            return BaseChoice(base=recorded, revision=adapter.base_revision)
        raise _other_base(adapter, chosen, revision)
    if is_default:
        raise AdapterMismatchError(
            tr("{name} was trained on base {recorded!r}, which is not here.", name=adapter.name, recorded=recorded),
            hint=tr("Say which base it is: --base FOLDER_OR_HUB_ID"),
        )
    return BaseChoice(
        base=chosen,
        revision=revision,
        notice=Notice(
            "base_as_given",
            tr(
                "adapter {name} records the base {recorded!r}, which is not here; --base {chosen} decided",
                name=adapter.name,
                recorded=recorded,
                chosen=chosen,
            ),
        ),
    )


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / CONFIG
    if not path.exists():
        hint = _WHOLE
        if (folder / "config.json").is_file():
            hint = tr("It holds a whole model: write hf:{folder}.", folder=folder)
        elif nested := sorted(folder.glob(f"*/{CONFIG}")):
            hint = tr("There is one in {parent}.", parent=nested[-1].parent)
        raise InputError(tr("no {config}, so no adapter.", config=CONFIG), path=folder, hint=hint)
    return json_object(path)


def _same(recorded: str, chosen: str) -> bool:
    if chosen in {recorded, f"hf:{recorded}"}:
        return True
    paths = Path(recorded).expanduser(), Path(chosen.removeprefix("hf:")).expanduser()
    return all(path.is_dir() for path in paths) and paths[0].samefile(paths[1])


def _check_revision(adapter: Adapter, chosen: str, revision: str | None) -> None:
    recorded = adapter.base_revision
    if recorded and revision and not (recorded.startswith(revision) or revision.startswith(recorded)):
        raise _other_base(adapter, chosen, revision)


def _other_base(adapter: Adapter, chosen: str, revision: str | None) -> HarnessError:
    def at(name: str | None, commit: str | None) -> str:
        return f"{name}@{commit}" if commit else str(name)

    recorded = at(adapter.base, adapter.base_revision)
    return AdapterMismatchError(
        tr(
            "{name} was trained on base {recorded!r}, but base is {chosen!r}.",
            name=adapter.name,
            recorded=recorded,
            chosen=at(chosen, revision),
        ),
        hint=tr("Pass --base {recorded}.", recorded=recorded),
    )
