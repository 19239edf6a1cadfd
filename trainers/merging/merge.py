"""An adapter folded into its base: never into 4 bits, and compared, logit by logit, with what it was before.

A base that the adapter was trained on as nf4 is dequantized first (peft#2321: folding into 4-bit weights rounds them
anew, and the adapter is lost in that). The folder is put together beside its place, loaded again from the disk,
compared with the adapter on its base, and moved in whole.
"""

import gc
import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel

from harness.errors import AdapterMismatchError, InputError, UnwritableError
from harness.locale import tr
from harness.locale.system import system_said
from harness.models.hf.adapter_checks import check_tokenizer
from harness.models.hf.adapter_switch import check_effect
from harness.models.hf.adapters import CONFIG, Adapter, choose_base, open_adapter
from harness.models.hf.bases import Base, load_base, sizes_of
from harness.models.hf.kinds import without_initialisation
from harness.models.hf.memory import GIB
from harness.models.hf.numerics import Route
from harness.models.hf.quiet import quiet
from harness.models.hf.reading import json_object
from harness.models.hf.resolved_base import ResolvedBase, resolve_base
from harness.models.hf.sources import local_folder, resolve, split_revision
from harness.templates.contract import ANSWER, CONTRACT, FURTHER, PROBE, read_contract
from trainers.adapter.adapter_folder import check_weights
from trainers.adapter.training_record import CHAT_TEMPLATE, TrainingRecord, read_record

RECORD = "merge.json"
_WORK = ".merging"  # ends the name of a folder that is being put together
_BOUNDS = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}
_LONGEST = 256  # tokens of a prompt that logits are compared on
_RESERVE = 64 << 20  # of the disk, beside the weights: tokenizer, configuration, record
_TOKENIZER = (".model", ".jinja", ".tiktoken", "merges.txt")
_TOKENIZER_NAMES = {
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json"),
    *("vocab.txt", "generation_config.json"),
}
_NOT_FOLDED = ("layer_replication", "alora_invocation_tokens", "arrow_config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far logits moved over prompts, in spreads (standard deviations) of the adapter's own logits.

    ``merging`` is the root mean square of merged − adapter, ``largest`` its largest absolute value, ``effect`` the root
    mean square of adapter − base: what the adapter does. ``same_token``: the share of positions whose most likely next
    token is the same; ``bound`` is what ``merging`` may be in this dtype.
    """

    merging: float
    largest: float
    effect: float
    same_token: float
    positions: int
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRecord:
    """What a merged folder was made of, as its ``merge.json``."""

    schema: int = 1
    base: str
    base_revision: str | None
    base_digest: str
    adapter: str
    adapter_digest: str
    quantization: str
    dtype: str
    shift: Shift
    training: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """What is to be merged: an adapter's folder or Hub id[@REV], on which base, and how that computes."""

    adapter: str
    base: str | None
    dtype: str | None
    quantization: str | None
    settings: Mapping[str, Any]


def merge(request: MergeRequest, output: Path, say: Callable[[str], None]) -> MergeRecord:
    """Write a whole model into a new folder and return what it was made of.

    Raises:
        HarnessError: the adapter does not belong to the base or cannot be folded into it, memory or the disk do not
            suffice, or the merged model gives other logits; then nothing is left in ``output``.
    """
    adapter = open_adapter(*split_revision(request.adapter))
    _refuse_unmergeable(adapter)
    check_weights(adapter.folder)
    record = _record(adapter)
    base = _base(request, adapter, record, say)
    with _work_folder(output) as work:
        _check_disk(base, output)
        say(tr("Loading {base} ({numerics}) ...", base=base.source.text, numerics=base.numerics))
        loaded = base.load()
        size = loaded.model.get_input_embeddings().weight.shape[0]
        if notice := check_tokenizer(adapter, len(loaded.encoder.tokenizer), size):
            say(tr("Note: {notice}", notice=notice))
        prompts = _prompts(loaded)
        before = _Before.of(loaded, adapter, prompts, say)
        say(tr("Folding {adapter} into it ...", adapter=adapter.name))
        with quiet():
            _fold(loaded.model, adapter).save_pretrained(work)
        _copy_tokenizer(local_folder(base.source), work)
        _copy_prompt(adapter.folder, work)
        dtype = base.numerics.dtype
        del loaded
        gc.collect()
        say(tr("Loading the merged model from the disk, and comparing it ..."))
        merged = load_base(
            resolve(str(work)), replace(base.numerics, quantization="none", route="plain"), trusted=False
        )
        if _prompts(merged) != prompts:
            raise AdapterMismatchError(tr("The merged model's tokenizer makes other tokens than the base's."))
        shift = before.shift(merged, prompts, _BOUNDS[dtype])
        _check(shift, base.numerics.dtype_name)
        made = MergeRecord(
            base=base.source.text,
            base_revision=base.source.commit,
            base_digest=base.source.digest,
            adapter=Path(adapter.name).name if adapter.folder == Path(adapter.name).expanduser() else adapter.name,
            adapter_digest=adapter.digest,
            quantization=base.numerics.quantization,
            dtype=base.numerics.dtype_name,
            shift=shift,
            training=asdict(replace(record, command="")) if record else None,
        )
        text = json.dumps(asdict(made), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        (work / RECORD).write_text(text, encoding="utf-8")
    return made


def refuse_occupied_output(output: Path) -> None:
    """Check that a folder for a merged model is not there yet, or empty.

    Raises:
        InputError: it holds something, or is no folder.
    """
    if output.is_dir() and not any(output.iterdir()):
        return
    if output.exists() or output.is_symlink():
        what = tr("holds other files.") if output.is_dir() else tr("not a folder.")
        raise InputError(what, path=output, hint=tr("Choose a new folder for --output."))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """The logits of the base alone and of the adapter on it, one tensor (tokens, vocabulary) for each prompt."""

    base: Sequence[torch.Tensor]
    adapter: Sequence[torch.Tensor]

    @classmethod
    def of(
        cls, loaded: Base, adapter: Adapter, prompts: Sequence[Sequence[int]], say: Callable[[str], None]
    ) -> "_Before":
        base = [_logits(loaded.model, ids) for ids in prompts]
        for notice in check_effect(loaded.switch, adapter, prompts[0]):
            say(tr("Note: {notice}", notice=notice))
        adapted = [_logits(loaded.model, ids) for ids in prompts]
        loaded.switch.use(None)
        if loaded.switch.in_doubt:
            raise AdapterMismatchError(tr("{name} changed the base it was attached to.", name=adapter.name))
        return cls(base=base, adapter=adapted)

    def shift(self, merged: Base, prompts: Sequence[Sequence[int]], bound: float) -> Shift:
        squares, effects, largest, same, positions, count = 0.0, 0.0, 0.0, 0, 0, 0
        spread = torch.cat([logits.flatten() for logits in self.adapter]).std().item()
        for ids, base, adapted in zip(prompts, self.base, self.adapter, strict=True):
            after = _logits(merged.model, ids)
            moved = (after - adapted) / spread
            squares += moved.square().sum().item()
            effects += ((adapted - base) / spread).square().sum().item()
            largest = max(largest, moved.abs().max().item())
            same += int((after.argmax(-1) == adapted.argmax(-1)).sum())
            positions += len(ids)
            count += moved.numel()
        return Shift(
            merging=math.sqrt(squares / count),
            largest=largest,
            effect=math.sqrt(effects / count),
            same_token=same / positions,
            positions=positions,
            bound=bound,
        )


def _check(shift: Shift, dtype: str) -> None:
    """Raise if merging changed more than rounding does, or as much as the adapter itself."""
    if not shift.merging <= min(shift.bound, shift.effect / 2):  # no number is no less than any
        raise AdapterMismatchError(
            tr(
                "The merged model is another one: its logits differ from the adapter's by {merging:.2g} of their "
                "spread (root mean square; the bound for {dtype} is {bound:.2g}, and the adapter itself moves them by "
                "{effect:.2g}).",
                merging=shift.merging,
                dtype=dtype,
                bound=shift.bound,
                effect=shift.effect,
            ),
            hint=tr("Rounding swallows it: take --dtype float32, or keep using adapter:DIR, which is exact."),
        )


def _refuse_unmergeable(adapter: Adapter) -> None:
    config = json_object(adapter.folder / CONFIG)
    reason = None
    if adapter.kind != "LORA":
        reason = tr("it is of type {kind}, and only LORA is folded in", kind=adapter.kind)
    elif saved := config.get("modules_to_save"):
        reason = tr(
            "it brings whole modules of its own (modules_to_save: {names})",
            names=", ".join(str(name) for name in saved),
        )
    elif config.get("trainable_token_indices"):
        reason = tr("it trained single tokens (trainable_token_indices), which may be shared with the head")
    elif config.get("bias") not in {None, "none"}:
        reason = tr("it trained biases (bias: {bias})", bias=config.get("bias"))
    elif odd := [name for name in _NOT_FOLDED if config.get(name)]:
        reason = tr("it depends on more than its weights ({name})", name=odd[0])
    if reason is not None:
        raise AdapterMismatchError(
            tr("{name} cannot be merged: {reason}.", name=adapter.name, reason=reason),
            hint=tr("Use it as it is: adapter:{name}.", name=adapter.name),
        )


def _record(adapter: Adapter) -> TrainingRecord | None:
    """Return how an adapter was trained: of a checkpoint its training's record, without what came out in the end."""
    if (own := read_record(adapter.folder)) is not None:
        return own
    record = read_record(adapter.contract_folder)
    return None if record is None else replace(record, outcome=None)


def _base(
    request: MergeRequest, adapter: Adapter, record: TrainingRecord | None, say: Callable[[str], None]
) -> ResolvedBase:
    """Return the base as training computed with it: nf4 values dequantized, in that dtype unless another is named."""
    choice = choose_base(adapter, request.base)
    if choice.notice:
        say(tr("Note: {notice}", notice=choice.notice))
    quantization = request.quantization or (record.quantization if record else "none")
    settings = dict(request.settings)
    if record is not None:
        settings["double_quant"] = bool(record.recipe.get("double_quant"))
    elif request.quantization is None:
        say(
            tr(
                "Note: how {name} was trained is not on record; it is folded into the weights as they are stored. If "
                "it was QLoRA, --quantization nf4 folds it into the 4-bit values that it was trained on, dequantized.",
                name=adapter.name,
            )
        )
    dtype = request.dtype or (record.dtype if record else None)
    base = resolve_base(choice.base, choice.revision, settings, quantization=quantization, dtype=dtype)
    if record is not None and base.source.digest != record.base_digest:
        say(tr("Note: the base's weights are not those that {name} was trained on.", name=adapter.name))
    route: Route = "dequantised" if base.numerics.quantization == "nf4" else "plain"
    return replace(base, numerics=replace(base.numerics, route=route))


def _check_disk(base: ResolvedBase, output: Path) -> None:
    sizes = sizes_of(base.source, base.config(), trusted=base.trusted)
    needed = sizes.weight_bytes(replace(base.numerics, quantization="none", route="plain")) + _RESERVE
    check_room(output, needed)


def check_room(place: Path, needed: int) -> None:
    """Check that the disk of a place has room for so many bytes.

    Raises:
        UnwritableError: with both figures.
    """
    nearest = next(path for path in (place, *place.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    if needed > free:
        raise UnwritableError(
            tr(
                "{place}: {needed:.1f} GiB are needed, and {free:.1f} GiB are free on that disk.",
                place=place,
                needed=needed / GIB,
                free=free / GIB,
            ),
            hint=tr("Make room, or choose an --output on another disk."),
        )


@contextmanager
def _work_folder(output: Path) -> Iterator[Path]:
    """Make a folder to put a model together in, and move it to its place at the end; after an error it is removed."""
    refuse_occupied_output(output)
    work = output.absolute().with_name(f".{output.absolute().name}{_WORK}")
    try:
        shutil.rmtree(work, ignore_errors=True)  # what a killed one left
        work.mkdir(parents=True)
        yield work
        if output.is_dir():
            output.rmdir()
        work.rename(output)
    except OSError as error:
        raise UnwritableError(
            tr("{folder} cannot be written: {strerror}.", folder=output, strerror=system_said(error)),
            hint=tr("Choose an --output that you may write to."),
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prompts(loaded: Base) -> list[list[int]]:
    """Return the tokens of some made-up prompts, by the tokenizer itself: whatever a template does is not at stake."""
    texts = [f"{PROBE}\n{ANSWER}", *FURTHER]
    return [loaded.encoder.tokenizer(text)["input_ids"][:_LONGEST] for text in texts]


@torch.inference_mode()
def _logits(model: Any, ids: Sequence[int]) -> torch.Tensor:  # noqa: ANN401 - transformers is untyped
    logits = model(input_ids=torch.tensor([list(ids)], device=model.device), use_cache=False).logits[0]
    found: torch.Tensor = logits.float().cpu()
    return found


def _fold(model: Any, adapter: Adapter) -> Any:  # noqa: ANN401 - transformers and peft are untyped
    """Return the model with the adapter, in float32, added to its weights."""
    config = PeftConfig.from_peft_type(**without_initialisation(json_object(adapter.folder / CONFIG)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters is checked: the logits
        wrapped = PeftModel.from_pretrained(model, str(adapter.folder), config=config, autocast_adapter_dtype=True)
    try:
        merged = wrapped.merge_and_unload(safe_merge=True)
    except (ValueError, NotImplementedError) as error:  # weights that are no numbers, layers that peft cannot fold
        raise AdapterMismatchError(
            tr("{name} cannot be merged: {reason}.", name=adapter.name, reason=str(error).rstrip("."))
        ) from error
    merged.is_quantized = False  # its values are plain numbers now: transformers may save them
    merged.hf_quantizer = None
    if hasattr(merged.config, "quantization_config"):
        del merged.config.quantization_config
    return merged


def _copy_tokenizer(source: Path, work: Path) -> None:
    """Copy the base's tokenizer and generation config as they are."""
    for path in sorted(source.iterdir()):
        if path.name in _TOKENIZER_NAMES or path.name.endswith(_TOKENIZER):
            shutil.copyfile(path, work / path.name)


def _copy_prompt(folder: Path, work: Path) -> None:
    """Copy the prompt contract, and the chat template of the training in the place of the base's own."""
    contract = read_contract(folder)
    if contract is None:
        return
    shutil.copyfile(folder / CONTRACT, work / CONTRACT)
    if contract.chat_template is not None:
        (work / CHAT_TEMPLATE).write_text(contract.chat_template, encoding="utf-8")


def outcome(shift: Shift) -> str:
    """Return in a sentence how the merged model compares."""
    return tr(
        "logits differ from the adapter's by {merging:.2g} of their spread (bound {bound:.2g}; the adapter itself "
        "moves them by {effect:.2g}), the most likely next token is the same at {same:.1%} of {positions:,} positions",
        merging=shift.merging,
        bound=shift.bound,
        effect=shift.effect,
        same=shift.same_token,
        positions=shift.positions,
    )
