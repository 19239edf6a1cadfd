"""Whether adapters act inside the engine: some models take them, load them, and pass them over in silence.

One prompt is scored by the base alone, then by the base and with each adapter in one call. What the base's two scores
differ by is the engine's own noise; an adapter that moves nothing beyond it has no effect here. A base that beside
adapters has the scores of one of them is answered for with its weights: vLLM's CPU build does that (0.32.0).
"""

import math
from collections.abc import Mapping, Sequence
from statistics import pstdev

from harness.errors import AdapterMismatchError, HarnessError, ModelLoadError
from harness.locale import tr
from harness.models.hf.adapter_checks import all_zero, hardly_acts, no_effect
from harness.models.hf.adapters import Adapter
from harness.models.vllm.apart import EngineApart
from harness.models.vllm.engine import Ask
from harness.notices import Notice

_TINY = 0.01  # of the spread of the base's scores, as on the other engine
_NOISE = 2.0  # times what the base differs from itself by
_NEAR = 0.25  # of how far the base moved beside adapters: that near to one of them, it is that one
_PROBE = 64  # tokens of the prompt at most
SCORING: Mapping[str, object] = {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0, "detokenize": False}
"""Sampling parameters with which a sequence is scored, and one token is generated, which is of no interest."""


def check_effects(
    engine: EngineApart, adapters: Sequence[Adapter], ids: Sequence[int]
) -> dict[str, HarnessError | Notice | None]:
    """Return by its digest what is wrong with each adapter, what is to be said of it, or None; ``ids``: a prompt.

    Raises:
        HarnessError: the base's own scores are no numbers, or the engine ended.
    """
    probe = list(ids[:_PROBE]) if len(ids) > 1 else [*ids, *ids]
    acting = [adapter for adapter in adapters if not all_zero(adapter)]
    [alone] = _scored(engine, probe, [None])
    base, *moved = _scored(engine, probe, [None, *acting])
    if not all(map(math.isfinite, alone)):
        raise ModelLoadError(
            tr("The base's scores are not numbers in this engine."),
            hint=tr("Try --dtype float32 or bfloat16, or --engine hf."),
        )
    noise = _furthest(alone, base)
    nearest = min((_furthest(base, one) for one in moved), default=math.inf)
    if noise > _TINY * pstdev(alone) and nearest < _NEAR * noise:
        raise ModelLoadError(
            tr("vLLM answers for the base with an adapter's weights where both are asked together."),
            hint=tr("Take the other engine: --engine hf."),
        )
    seen = {adapter.digest: _verdict(adapter, base, one, noise) for adapter, one in zip(acting, moved, strict=True)}
    return {adapter.digest: seen[adapter.digest] if adapter in acting else no_effect(adapter) for adapter in adapters}


def _scored(engine: EngineApart, ids: Sequence[int], acting: Sequence[Adapter | None]) -> list[tuple[float, ...]]:
    scores = dict(engine.run([Ask(ids=ids, adapter=one, sampling=SCORING) for one in acting]))
    return [scores[place].prompt_scores for place in range(len(acting))]


def _verdict(
    adapter: Adapter, base: Sequence[float], scores: Sequence[float], noise: float
) -> HarnessError | Notice | None:
    if not all(map(math.isfinite, scores)):
        return ModelLoadError(
            tr("{name}: its scores are not numbers in this engine.", name=adapter.name),
            hint=tr("Try --dtype float32 or bfloat16, or --engine hf."),
        )
    moved, spread = _furthest(base, scores), pstdev(base)
    if moved <= _NOISE * noise:
        return AdapterMismatchError(
            tr(
                "{name} has no effect in vLLM: base and adapter give equal scores (they differ by {moved:.2g}, the "
                "base from itself by {noise:.2g}).",
                name=adapter.name,
                moved=moved,
                noise=noise,
            ),
            hint=tr("vLLM may pass over adapters of this kind of model: --engine hf looks at the adapter itself."),
        )
    if moved < _TINY * spread:
        return hardly_acts(adapter.name, moved, spread)
    return None


def _furthest(one: Sequence[float], other: Sequence[float]) -> float:
    return max((abs(left - right) for left, right in zip(one, other, strict=True)), default=0.0)
