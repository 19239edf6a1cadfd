"""The engine that a base and its adapters share, and one call that answers for all of them."""

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import torch

from harness.errors import HarnessError
from harness.locale import tr
from harness.models.hf.adapters import Adapter
from harness.models.hf.bases import BASE_MODELS, sizes_of
from harness.models.hf.memory import GIB, available_bytes
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.tokens import Encoder
from harness.models.live import LIVE
from harness.models.places import Place
from harness.models.vllm.apart import EngineApart
from harness.models.vllm.engine import compile_folder
from harness.models.vllm.gate import check_effects
from harness.models.vllm.lora_kernels import kernel_folder
from harness.models.vllm.plan import SEQUENCES, Plan, context_for, memory_share, sequences_for
from harness.models.vllm.several import SeveralEngines, free_bytes, start_engines
from harness.models.vllm.slots import Slots, slots_for
from harness.models.vllm.weights import weights_of
from harness.notices import Notice
from harness.remote.pricing import rough_tokens
from harness.types import Request

Model = TypeVar("Model")


class SharedEngine(Generic[Model]):
    """vLLM on one base, with room for its adapters. Started when it is first asked, and kept in `BASE_MODELS`.

    ``models``: those that it answers for, by label; ``places``: where an engine is to run, if at several.
    """

    def __init__(self, base: ResolvedBase, adapters: Sequence[Adapter], version: str) -> None:
        self.base = base
        self.adapters = tuple({one.digest: one for one in adapters}.values())
        self.version = version
        self.models: dict[str, Model] = {}
        self.places: Sequence[Place] = ()
        self._context = 0
        self._usual = 0.0
        self._noted: dict[str, HarnessError | Notice | None] = {}

    @functools.cached_property
    def encoder(self) -> Encoder:
        """The tokenizer of the base; no weights are loaded."""
        return self.base.encoder()

    @functools.cached_property
    def end(self) -> frozenset[int]:
        """The ids that end an answer."""
        return self.base.end(self.encoder)

    @functools.cached_property
    def context(self) -> int | None:
        """The longest sequence that the base takes, None where it does not say."""
        found: int | None = getattr(self.base.config().get_text_config(decoder=True), "max_position_embeddings", None)
        return found

    @functools.cached_property
    def invariance(self) -> str:
        """What the fingerprint says of kernels that give the same bits in any batch, where the user asked for them."""
        return " batch-invariant" if os.environ.get("VLLM_BATCH_INVARIANT") == "1" else ""

    @functools.cached_property
    def slots(self) -> Slots:
        """What the engine sets aside for adapters."""
        return slots_for(self.adapters)

    def expect(self, requests: Sequence[Request]) -> None:
        """Take note of what is going to be asked: it is started for that, also where its certificate comes first."""
        texts = {one.rendered: 0 for one in requests}
        texts = {rendered: rough_tokens(rendered.text) for rendered in texts}
        lengths = [texts[one.rendered] + one.sampling.max_new_tokens for one in requests]
        self._usual = sum(lengths) / len(lengths) if lengths else 0.0
        self._context = max(self._context, context_for(max(lengths, default=0), self.context))

    def engine(self, longest: int, usual: float | None = None) -> EngineApart | SeveralEngines:
        """Return the engine, started for sequences of ``longest`` tokens at least, ``usual`` of them on average.

        Raises:
            HarnessError: it cannot be started.
        """
        self._context = max(self._context, context_for(longest, self.context))
        self._usual = usual or self._usual or longest
        key = f"vllm {self.version} {self.base.key} {self.slots} {self._context} {len(self.places)}"
        engine = BASE_MODELS.get(key, self._start)
        if engine.ended:  # in an earlier run of this Python process
            BASE_MODELS.clear()
            engine = BASE_MODELS.get(key, self._start)
        return engine

    def _start(self) -> EngineApart | SeveralEngines:
        LIVE.label = tr("starting vLLM {version}", version=self.version)
        self._noted = {}
        try:
            engine = start_engines(self._plan(), self.places)
        finally:
            LIVE.label = ""
        _mark(self)
        return engine

    @property
    def warm_key(self) -> str:
        """What two engines have in common of which the second finds what the first compiled.

        How many adapters there are makes no difference: 19 after 4 started as fast as 4 again (bench/README.md).
        """
        told = f"{self.version} {self.base.source.digest} {self.base.numerics} {self.slots.rank}"
        return hashlib.sha256(told.encode()).hexdigest()[:24]

    def _plan(self) -> Plan:
        numerics, share, sequences, kernels = self.base.numerics, None, SEQUENCES, None
        weights = weights_of(self.base)
        if numerics.device == "cuda":
            total = torch.cuda.get_device_properties(0).total_memory
            there = [free_bytes(place) for place in self.places if place.gpu is not None]
            share = memory_share(min([available_bytes("cuda"), *there]), total)
            sizes = sizes_of(self.base.source, self.base.config(), trusted=self.base.trusted)
            room = share * total - sizes.loading_bytes(numerics) - GIB
            sequences = sequences_for(room, self._usual * sizes.kv_elements * numerics.dtype.itemsize)
            kernels = kernel_folder(Path(weights.folder), self.slots.rank)
        return Plan(
            weights=weights,
            numerics=numerics,
            slots=self.slots,
            context=self._context,
            share=share,
            sequences=sequences,
            trusted=self.base.trusted,
            kernels=kernels,
        )

    def checked(self, adapters: Sequence[Adapter], ids: Sequence[int]) -> Mapping[str, HarnessError | Notice | None]:
        """Return by its digest what the engine shows of each adapter's effect: an error, a notice, or None.

        Raises:
            HarnessError: the engine cannot be started, or the base's own scores are no numbers.
        """
        engine = self.engine(len(ids) + 1)
        if new := [one for one in adapters if one.digest not in engine.checked]:
            found = _effects(engine, new, ids)
            for digest in found[0]:
                self._noted[digest] = _worst(one[digest] for one in found)
            engine.checked |= {one.digest for one in new}
            _mark(self, new)
        return {one.digest: self._noted.get(one.digest) for one in adapters}


@contextmanager
def engines_at(engines: Iterable["SharedEngine[Model]"], places: Sequence[Place]) -> Iterator[None]:
    """Have each engine run at all of some places while the block lasts, if they are several."""
    changed = list(engines)
    for engine in changed:
        engine.places = places if len(places) > 1 else ()
    try:
        yield
    finally:
        for engine in changed:
            engine.places = ()


def _effects(
    engine: EngineApart | SeveralEngines, adapters: Sequence[Adapter], ids: Sequence[int]
) -> list[dict[str, HarnessError | Notice | None]]:
    """Return what each engine shows of adapters' effects; several load them at the same time."""
    if len(engine.each) == 1:
        return [check_effects(engine.each[0], adapters, ids)]
    with ThreadPoolExecutor(len(engine.each)) as threads:
        try:
            return list(threads.map(lambda one: check_effects(one, adapters, ids), engine.each))
        except BaseException:  # Ctrl-C, or one of them failed: nobody waits for the others
            engine.release()
            raise


def _worst(seen: Iterable[HarnessError | Notice | None]) -> HarnessError | Notice | None:
    """Return what counts of what several engines show: an error before a notice, a notice before nothing."""
    return min(seen, key=lambda one: (not isinstance(one, HarnessError), one is None))


def _mark(engine: "SharedEngine[Model]", adapters: Sequence[Adapter] = ()) -> None:
    """Remember that an engine like this was started here, so that the next one finds what was compiled; or answered.

    ``adapters``: those that it has answered for.
    """
    place = _place(engine)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        for one in adapters:
            _place(engine, one).touch()
    except OSError:  # a cache that cannot be written costs time, nothing else
        return


def started_before(engine: "SharedEngine[Model]") -> bool:
    """Return whether an engine of this version on this base, with such adapters, was started here before."""
    return _place(engine).exists()


def unseen(engine: "SharedEngine[Model]") -> int:
    """Return how many models, the base among them, an engine like this has not answered for here yet."""
    return (not started_before(engine)) + sum(not _place(engine, one).exists() for one in engine.adapters)


def _place(engine: "SharedEngine[Model]", adapter: Adapter | None = None) -> Path:
    name = engine.warm_key if adapter is None else f"{engine.warm_key}-{adapter.digest[:24]}"
    return compile_folder() / "started" / name
