"""A started vLLM: sequences go in, and each comes out when it has ended. The one door to the library."""

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, ModelLoadError, OutOfMemoryError
from harness.installation import cache_folder
from harness.locale import tr
from harness.models.hf.adapters import Adapter
from harness.models.hf.reading import json_object
from harness.models.vllm.plan import Plan

_NO_MEMORY = ("out of memory", "free memory on device", "no available memory", "not enough", "kv cache")
_SAID = 400  # characters of an error of vLLM's
_LATER = ("vllm.v1.engine.core", "vllm.v1.worker.gpu_worker", "vllm.lora.layers", "harness.models.vllm_loader.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One sequence to be answered or scored: its ids, the adapter that acts, and vLLM's sampling parameters."""

    ids: Sequence[int]
    adapter: Adapter | None
    sampling: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of one: the tokens that were generated, with the one that ended it, and ``reason``, stop or length.

    ``prompt_scores``: the logarithm of each prompt token's probability, the first excepted; empty unless asked for.
    """

    tokens: tuple[int, ...]
    reason: str
    prompt_scores: tuple[float, ...] = ()


class Engine:
    """A started vLLM in this process."""

    def __init__(self, vllm: Any, llm: Any) -> None:  # noqa: ANN401 - vllm is untyped here
        self._vllm = vllm
        self._llm = llm
        self._loras: dict[str, Any] = {}

    def run(self, asks: Sequence[Ask], stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[int, Said]]:
        """Yield what came of each, with its place in ``asks``, as they end; all are in the engine at once.

        ``stop`` is asked between steps whether the rest is still wanted.

        Raises:
            HarnessError: the engine ended.
        """
        prompts = [self._vllm.TokensPrompt(prompt_token_ids=list(ask.ids)) for ask in asks]
        sampling = [self._vllm.SamplingParams(**ask.sampling) for ask in asks]
        loras = [None if ask.adapter is None else self._lora(ask.adapter) for ask in asks]
        engine = self._llm.llm_engine
        with _told():
            names = self._llm.enqueue(prompts, sampling, lora_request=loras, use_tqdm=False)
        # vLLM adds a random end to a name for itself, and gives answers back under the bare one.
        places = {str(name).rpartition("-")[0] or str(name): place for place, name in enumerate(names)}
        waiting = set(places)
        try:
            while waiting and not stop():
                with _told():
                    ended = [output for output in engine.step() if output.finished]
                for output in ended:
                    waiting.discard(output.request_id)
                    yield places[output.request_id], _said(output)
        finally:
            if waiting:  # whoever asked went away
                with contextlib.suppress(Exception):
                    engine.abort_request(sorted(waiting))

    def _lora(self, adapter: Adapter) -> Any:  # noqa: ANN401 - vLLM's
        if adapter.digest not in self._loras:
            number = 1 + len(self._loras)
            request = importlib.import_module("vllm.lora.request").LoRARequest
            self._loras[adapter.digest] = request(adapter.digest[:16], number, str(adapter.folder.resolve()))
        return self._loras[adapter.digest]


def start(plan: Plan) -> Engine:
    """Return an engine, started in this process, which takes longer where no kernels are compiled yet.

    Raises:
        OutOfMemoryError: it does not fit beside what is in memory.
        ModelLoadError: vLLM cannot be imported, or refuses the model.
    """
    _set_surroundings()
    if plan.kernels is not None:
        os.environ.setdefault("VLLM_TUNED_CONFIG_FOLDER", plan.kernels)
    try:
        vllm = importlib.import_module("vllm")
        _look_at_model(vllm, Path(plan.weights.folder))
        llm = vllm.LLM(**plan.arguments())
    except Exception as error:  # vLLM raises many kinds for what is one to the user
        raise _not_started(plan, error) from error
    return Engine(vllm, llm)


def _look_at_model(vllm: Any, folder: Path) -> None:  # noqa: ANN401 - vllm is untyped here
    """Import the model's class here: vLLM would start a second Python to look at it, which imports vLLM once more.

    That took 14 of 68 seconds of a first start on an H100. It is done apart to keep CUDA out of a process that forks,
    which this one does not.
    """
    with contextlib.suppress(Exception):  # then vLLM looks in its own way, and says what is wrong
        registry = vllm.ModelRegistry
        for name in json_object(folder / "config.json")["architectures"]:
            registry.register_model(name, registry.models[name].load_model_cls())


def compile_folder() -> Path:
    """Return the folder that keeps what vLLM compiled, so that the next start is shorter."""
    return cache_folder() / "vllm"


def import_early() -> None:
    """Import what every start needs, whatever the model. What cannot be imported is left: the start itself says so."""
    _set_surroundings()
    with contextlib.suppress(Exception):
        vllm = importlib.import_module("vllm")
        for name in ("LLM", "ModelRegistry", "SamplingParams", "TokensPrompt"):
            getattr(vllm, name)
    for name in _LATER:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _set_surroundings() -> None:
    """Set what vLLM reads from the environment, unless the user has said it otherwise."""
    told = {
        "VLLM_CACHE_ROOT": str(compile_folder()),
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_USE_FLASHINFER_SAMPLER": "0",  # it would be compiled at the start, and nothing is cut off by top-k here
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # a fork of a process that has used a GPU cannot use it
    }
    for name, value in told.items():
        os.environ.setdefault(name, value)


def _said(output: Any) -> Said:  # noqa: ANN401 - vLLM's
    given = output.outputs[0]
    scores = tuple(
        float(entry[token].logprob)
        for token, entry in zip(output.prompt_token_ids, output.prompt_logprobs or (), strict=False)
        if entry is not None
    )
    return Said(tokens=tuple(given.token_ids), reason=str(given.finish_reason), prompt_scores=scores)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what vLLM raises at work into an error of ours."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        raise engine_ended(_words(error)) from error


def engine_ended(why: str) -> ModelLoadError:
    """Return what is said of an engine that ended at work."""
    return ModelLoadError(
        tr("The engine vLLM ended: {error}", error=why),
        hint=tr("What it answered is kept. The same command goes on; with --engine hf without vLLM."),
    )


def _not_started(plan: Plan, error: Exception) -> HarnessError:
    said = _words(error)
    if isinstance(error, MemoryError) or any(words in said.lower() for words in _NO_MEMORY):
        share = "" if plan.share is None else tr(" (given {share:.0%} of the GPU)", share=plan.share)
        return OutOfMemoryError(
            tr("The engine vLLM does not fit into memory{share}: {error}", share=share, error=said),
            hint=tr("Close other programs on the GPU, or take the other engine, which needs less: --engine hf."),
        )
    return ModelLoadError(
        tr("The engine vLLM could not be started: {error}", error=said),
        hint=tr("Take the other engine: --engine hf. With --debug vLLM's own messages are shown."),
    )


def _words(error: Exception) -> str:
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 3:  # noqa: PLR2004 - what it says, and why
        chain.append(" ".join(str(cause).split()) or type(cause).__name__)
        cause = cause.__cause__
    return " · ".join(dict.fromkeys(chain))[:_SAID]
