"""Which engine a board's models on this machine are answered by: one for all of them, and why."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import torch

from harness.errors import HarnessError
from harness.installation import MissingExtraError, cache_folder
from harness.locale import Text, tr
from harness.models.hf.backend import LocalModel
from harness.models.hf.bases import sizes_of, stored_quantization
from harness.models.hf.crew import gpu_count
from harness.models.hf.memory import GIB
from harness.models.hf.needs import this_device
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.sources import raw_config
from harness.models.vllm.installed import reads_nf4, vllm_version
from harness.models.vllm.model import FASTER, VllmModel
from harness.models.vllm.shared import SharedEngine, started_before, unseen
from harness.models.vllm.slots import unfit
from harness.notices import Notice
from harness.protocols import EngineChoice, ModelBackend
from harness.types import Request

ENGINES = ("auto", "hf", "vllm")
_COLD, _WARM = 70.0, 25.0  # seconds of a start beyond the other engine's, 13.7 B on an H100 (bench/README.md)
_CERTIFICATE, _EACH = 8.0, 3.7  # seconds that a certificate takes, and for each model that has none, likewise
_FILLED = 0.4  # of the longest answers that answers take
_ROOM = 0.85  # of a GPU's memory that weights may take, the rest is for keys and values
_CAPABILITY = 8  # from which vLLM's fast kernels run; an older GPU has to be asked for


def choose_engines(board: Mapping[str, ModelBackend], requests: Sequence[Request]) -> EngineChoice:
    """Return a board's models on one engine; see `harness.protocols.ChoosesEngine`.

    "auto" takes vLLM where it is installed, the GPU holds the weights, every adapter can be served as it was trained,
    and the start takes less than it saves. What was weighed for the same work before is kept: another engine gives
    other answers, and a run that goes on must not change it.

    Raises:
        MissingExtraError: vLLM was asked for and is not installed.
    """
    models = {label: one for label, one in board.items() if isinstance(one, LocalModel)}
    wanted = {one.engine for one in models.values()}
    if not models or wanted == {"hf"}:
        return EngineChoice(models=board, notice=None)
    version = vllm_version()
    if version is None:
        if "vllm" in wanted:
            raise MissingExtraError(tr("engine {name!r}", name="vllm"), "vllm")
        return EngineChoice(models=board, notice=None)
    asked_for = "vllm" in wanted
    reason = next(filter(None, (_obstacle(one, version, asked_for=asked_for) for one in models.values())), None)
    if reason is not None:
        said = tr("engine: transformers (--engine hf) for all models, because {reason}", reason=reason)
        return EngineChoice(models=board, notice=Notice("engine_chosen", said))
    moved = _moved(models, version, requests)
    if asked_for:
        said = tr("engine: vLLM {version}, as asked for; one call for all models of a base", version=version)
        return EngineChoice(models={**board, **moved}, notice=Notice("engine_chosen", said))
    return _weighed(board, models, moved, version, requests)


def _obstacle(model: LocalModel, version: str, *, asked_for: bool) -> Text | None:
    """Return why vLLM cannot answer for a model, None if it can."""
    base = model.base
    if base.numerics.device != "cuda" and not asked_for:
        return tr("there is no GPU")
    if base.numerics.device == "cuda" and not asked_for and torch.cuda.get_device_capability()[0] < _CAPABILITY:
        return tr("the GPU is older than what vLLM is fast on")
    if (reason := None if model.adapter is None else unfit(model.adapter)) is not None:
        return reason
    return _base_obstacle(base, version)


def _base_obstacle(base: ResolvedBase, version: str) -> Text | None:
    numerics, config = base.numerics, base.config()
    if config.get_text_config(decoder=True) is not config:
        return tr("{base} wraps its language model, where vLLM passes over adapters in silence", base=base.source.text)
    stored = stored_quantization(raw_config(base.source))
    if stored not in (None, "nf4"):
        return tr("{base} is stored as {stored}", base=base.source.text, stored=stored)
    if numerics.quantization == "nf4" and numerics.route == "plain" and not reads_nf4(version):
        return tr("vLLM {version} multiplies no 4-bit weights, and the GPU has no room for others", version=version)
    if numerics.device != "cuda":
        return None
    needed = sizes_of(base.source, config, trusted=base.trusted).loading_bytes(numerics)
    total = torch.cuda.get_device_properties(0).total_memory
    if needed > _ROOM * total:
        return tr("weights of {needed:.1f} GiB leave no room on the GPU", needed=needed / GIB)
    return None


def _moved(models: Mapping[str, LocalModel], version: str, requests: Sequence[Request]) -> dict[str, VllmModel]:
    """Return the models in vLLM: those of one base share an engine."""
    engines: dict[str, SharedEngine[VllmModel]] = {}
    for one in models.values():
        beside = [other for other in models.values() if other.base.key == one.base.key]
        adapters = [other.adapter for other in beside if other.adapter is not None]
        engines.setdefault(one.base.key, SharedEngine(one.base, adapters, version))
    asked: dict[str, list[Request]] = {}
    for request in requests:
        if request.model in models:
            asked.setdefault(models[request.model].base.key, []).append(request)
    for key, own in asked.items():
        engines[key].expect(own)
    return {label: VllmModel(label, one, engines[one.base.key]) for label, one in models.items()}


def _weighed(
    board: Mapping[str, ModelBackend],
    models: Mapping[str, LocalModel],
    moved: Mapping[str, VllmModel],
    version: str,
    requests: Sequence[Request],
) -> EngineChoice:
    """Return the board on the engine that is done first, start included."""
    asked = {label: [request for request in requests if request.model == label] for label in models}
    tokens = sum(request.sampling.max_new_tokens for own in asked.values() for request in own)
    seconds = _FILLED * sum(_seconds(one, asked[label]) for label, one in models.items()) / gpu_count(None, tokens)
    engines = {id(one.engine): one.engine for one in moved.values()}
    start = sum(_start_seconds(one) for one in engines.values())
    place = _memory(moved, version, asked)
    faster = _recalled(place)
    if faster is None:
        faster = start + seconds / FASTER < seconds
        _remember(place, faster=faster)
    values = {"start": start, "here": start + seconds / FASTER, "other": seconds, "version": version}
    if faster:
        said = tr(
            "engine: vLLM {version}, one call for all models of a base: about {here:.0f} s with its start of "
            "{start:.0f} s, {other:.0f} s with transformers (--engine hf)",
            **values,
        )
        return EngineChoice(models={**board, **moved}, notice=Notice("engine_chosen", said))
    said = tr(
        "engine: transformers, about {other:.0f} s; vLLM {version} (--engine vllm) would take {here:.0f} s with its "
        "start of {start:.0f} s",
        **values,
    )
    return EngineChoice(models=board, notice=Notice("engine_chosen", said))


def _start_seconds(engine: SharedEngine[VllmModel]) -> float:
    """Return how long it takes until an engine answers: longer if it is new here, or has to be certified."""
    new = unseen(engine)
    return (_WARM if started_before(engine) else _COLD) + (_CERTIFICATE + _EACH * new if new else 0.0)


def _seconds(model: LocalModel, requests: Sequence[Request]) -> float:
    try:
        return model.needs(requests).seconds if requests else 0.0
    except HarnessError:  # it does not fit there, which is said when it is loaded
        return 0.0


def _memory(moved: Mapping[str, VllmModel], version: str, asked: Mapping[str, Sequence[Request]]) -> Path:
    """Return the file that holds what was decided for this work on this machine."""
    work = [
        [
            one.fingerprint,
            this_device(one.engine.base.numerics).name,
            len(asked[label]),
            sum(request.sampling.max_new_tokens for request in asked[label]),
        ]
        for label, one in sorted(moved.items())
    ]
    key = sha256(json.dumps([version, work]).encode()).hexdigest()[:24]
    return cache_folder() / "engines" / f"{key}.json"


def _recalled(place: Path) -> bool | None:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, bool) else None


def _remember(place: Path, *, faster: bool) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(faster), encoding="utf-8")
    except OSError:  # a cache that cannot be written: the same will be weighed again
        return
