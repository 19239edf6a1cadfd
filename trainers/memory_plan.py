"""What a training needs and how it is cut to fit: planned from shapes before anything is loaded.

The effective batch and every sum stay those of the recipe. What the plan chooses is how many tokens go through the
model at once, how many layers recompute their activations, and whether nf4 weights are dequantized at load.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tabulate import tabulate

from harness.errors import OutOfMemoryError
from harness.locale import Text, listing, tr

GIB = 1 << 30
_RECOMPUTE = 0.45  # of a step's time, if every layer recomputes (one H200, 13.7 B: 6,968 and 4,873 tokens/s)
_OVERHEAD_TOKENS = 1_700  # a micro-batch costs as much again as this many tokens (the same machine: 2 samples and 8)
_COMPILED_OVERHEAD_TOKENS = 150  # likewise where layers are compiled (one H100: 130 with 2,048 and with 10,240 tokens)
_DEQUANTIZE_TOKENS = 800  # likewise for dequantizing nf4 weights in every pass
_BROKEN_GRAPH = 0.33  # of a step's time: what compiling gains (9,580 for 7,214 tokens/s) ends at every 4-bit layer
_HEAD_TILE = (4_096, 32_768)  # tokens and words of one tile of trl's fused head
CPU_HEAD_TILE = 2**25  # scores at once on a CPU (trainers.training.loss_head)
_CPU_HEAD_BYTES = 12  # of each of them: three copies in float32 (bench/README.md)
_CPU_KERNELS = 70 << 20  # that oneDNN keeps for products in bfloat16 (trainers.training.host_memory)
_RESERVE = 0.6 * GIB  # of free memory, beside the estimate: the device's own context, workspaces of the matrix library
_SHARE = {"cuda": 0.95, "cpu": 0.6}  # of what is free that a plan may use
_MOST_TOKENS = {"cuda": 16_384, "cpu": 2_048}  # beyond them a micro-batch gains nothing
_SMALLER = {"cuda": 0.85, "cpu": 0.7}  # of a micro-batch: the next smaller one to consider
_HALF = 2  # bytes of an element
_SMALL = 10 * GIB  # less than this is shown with two decimals
_SHORT = 128  # tokens of a sample that no cut would make cheap
_DENSE_MASK_TOKENS = 4_096  # without a kernel for sequences of many lengths, a mask of tokens × tokens is built


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """What decides a training's memory. Bytes of the weights, plain and dequantized; elements for the rest.

    ``adapter`` counts trainable elements, ``adapted_inputs`` the input widths of the adapted modules of one layer.
    ``dora_outputs`` are their output widths and ``dora_bytes`` what the length of a weight's rows takes for a moment,
    both 0 unless these lengths are trained apart. ``kept`` is what a layer keeps per token where that was measured
    (`trainers.training.layer_probe`), 0 where it is to be counted. ``layer_weights`` and ``dense_layer_weights`` are
    the bytes of each layer's weights, which several processes can share.
    """

    layers: int
    hidden: int
    inner: int
    vocabulary: int
    weights: int
    dense_weights: int
    adapter: int
    adapted_inputs: int
    itemsize: int
    dora_outputs: int = 0
    dora_bytes: int = 0
    kept: int = 0
    layer_weights: tuple[int, ...] = ()
    dense_layer_weights: tuple[int, ...] = ()

    def sharded(self, processes: int) -> "ModelShape":
        """Return what one of several processes holds of it: a part of each layer, and two layers put together."""

        def held(whole: int, layers: tuple[int, ...]) -> int:
            parts = sum(math.ceil(layer / processes) for layer in layers)
            return whole - sum(layers) + parts + 2 * max(layers, default=0)

        return replace(
            self,
            weights=held(self.weights, self.layer_weights),
            dense_weights=held(self.dense_weights, self.dense_layer_weights),
        )

    def layer_token_bytes(self, constraints: "MemoryConstraints", *, dequantized: bool = True) -> int:
        """Return what one layer keeps for the backward pass, per token.

        Counted on the Llama shape: ten hidden and four inner vectors as the layers are written; six and two where they
        are compiled, which is what products and attention need (`trainers.training.compiling`); eight and three where
        4-bit weights, unless they are ``dequantized``, end the compiled graphs, or where dropout takes the adapters'
        inputs apart. With dropout each adapted module keeps its own copy of its input unless it is compiled, and which
        elements were dropped: a byte each on a GPU or compiled, an element each on a CPU. DoRA keeps what the base's
        and the adapter's product gave. Fused kernels keep two hidden and an inner vector less (one H100, 13.7 B: 47.7
        and 48.8 kB a token where these have 48.1).
        """
        if self.kept:
            return self.kept
        apart = 2 * self.dora_outputs * self.itemsize
        broken = constraints.quantized and not dequantized
        if constraints.compiled and not broken:
            masks = self.adapted_inputs if constraints.dropout else 0
            return (6 * self.hidden + 2 * self.inner) * self.itemsize + apart + masks
        if constraints.fused and not constraints.compiled:
            apart -= (2 * self.hidden + self.inner) * self.itemsize
        if not constraints.dropout and not constraints.compiled:
            return (10 * self.hidden + 4 * self.inner) * self.itemsize + apart
        kept = (8 * self.hidden + 3 * self.inner) * self.itemsize + apart
        if constraints.dropout:
            kept += self.adapted_inputs * (self.itemsize + (1 if constraints.device == "cuda" else self.itemsize))
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """The bytes of a plan at its height, by what they are for.

    ``activations`` are those that wait for the backward pass. ``passing`` is what is there for a moment beside the
    inputs of recomputing layers: when the pass begins, the layers that recompute nothing and the loss head; when they
    are done, a layer that recomputes. What exceeds ``activations`` counts.
    """

    weights: int
    adapter: int
    optimizer: int
    activations: int
    passing: int

    @property
    def total(self) -> int:
        """All together: what the training is expected to allocate."""
        return self.weights + self.adapter + self.optimizer + self.activations + self.passing

    def fits(self, budget: int) -> bool:
        """Return whether it fits ``budget`` bytes of free memory with a reserve for the device's own."""
        return self.total + _RESERVE <= budget


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How a batch is cut: at most ``tokens`` at once, the first ``recomputed`` layers recomputing their activations.

    ``dequantized``: nf4 weights are dequantized once at load. ``available``: the bytes that may be used, a share
    of what is free. ``shards``: the processes that share the weights of the layers; 1: each has them whole. ``fused``:
    with Liger's kernels (`trainers.training.fused`).
    """

    tokens: int
    recomputed: int
    dequantized: bool
    estimate: MemoryEstimate
    available: int
    shards: int = 1
    fused: bool = False

    def describe(self, shape: ModelShape) -> Text:
        """Return the plan in one line."""
        some = tr("{n} of {layers} layers", n=self.recomputed, layers=shape.layers)
        told = tr(
            "{n:,} tokens at once, activation checkpointing: {kept}",
            n=self.tokens,
            kept=some if self.recomputed else tr("none"),
        )
        if self.dequantized:
            told = tr("{told}, nf4 weights dequantized once at load", told=told)
        if self.fused:
            told = tr("{told}, fused kernels", told=told)
        if self.shards > 1:
            told = tr("{told}, the layers' weights shared among {n} processes", told=told, n=self.shards)
        return tr(
            "{told}; about {needed:.1f} of the {available:.1f} GiB that may be used",
            told=told,
            needed=self.estimate.total / GIB,
            available=self.available / GIB,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryConstraints:
    """What the recipe leaves open ("auto" as None) and what it fixes."""

    dropout: bool
    quantized: bool
    optimizer_bytes: int = 8
    checkpointing: bool | None = None
    dequantize: bool | None = None
    dense_mask: bool = False
    compiled: bool = False
    fused: bool = False
    device: str = "cuda"


def estimate_memory(
    shape: ModelShape, constraints: MemoryConstraints, *, tokens: int, recomputed: int, dequantized: bool
) -> MemoryEstimate:
    """Return what a training needs with ``tokens`` tokens going through the model at once.

    The adapter is held in float32 with its gradient (8 bytes an element); ``optimizer_bytes`` are those of its two
    moments. A layer that recomputes keeps its input alone. The head makes its scores in tiles: two of them (one on a
    CPU, copied), and five hidden vectors a token. By the time the first layer recomputes, the head and the other layers
    are done. A mask of tokens × tokens is turned into what is added to the scores in each layer, and kept there unless
    the layer recomputes (torch's scaled_dot_product_attention; measured on a CPU).
    """
    layer = shape.layer_token_bytes(constraints, dequantized=dequantized)
    inputs = recomputed * shape.hidden * shape.itemsize
    kept = (shape.layers - recomputed) * layer
    if constraints.device == "cpu":
        tiles = _CPU_HEAD_BYTES * min(tokens * shape.vocabulary, CPU_HEAD_TILE)
    else:
        rows, words = _HEAD_TILE
        tiles = 2 * min(tokens, rows) * min(shape.vocabulary, words) * shape.itemsize
    head = tiles + 5 * tokens * shape.hidden * shape.itemsize
    mask = (3 + (shape.layers - recomputed) * shape.itemsize) * tokens * tokens if constraints.dense_mask else 0
    kernels = _CPU_KERNELS if constraints.device == "cpu" and shape.itemsize == _HALF else 0
    # DoRA with dropout multiplies its input by the weights once more, which 4-bit ones are dequantized for and kept.
    twice = bool(shape.dora_outputs) and constraints.dropout and constraints.quantized and not dequantized
    turned = shape.dense_weights * (shape.layers - recomputed) // shape.layers if twice else 0
    return MemoryEstimate(
        weights=shape.dense_weights if dequantized else shape.weights,
        adapter=8 * shape.adapter,
        optimizer=constraints.optimizer_bytes * shape.adapter,
        activations=tokens * (inputs + kept) + mask + turned,
        passing=max(tokens * (layer - kept) if recomputed else 0, head) + shape.dora_bytes + kernels,
    )


def plan_memory(
    shape: ModelShape,
    constraints: MemoryConstraints,
    *,
    available: int,
    longest: int,
    batch_tokens: int,
    steps: Sequence[int] = (),
    total: int | None = None,
) -> MemoryPlan:
    """Return the fastest way that fits.

    Args:
        shape: The model and its adapter.
        constraints: What the recipe fixes.
        available: Bytes that are free on it.
        longest: Tokens of the longest sample, which must fit at once.
        batch_tokens: Tokens of the largest share of an effective batch that one device gets.
        steps: The same of steps as they come: what is fastest is decided by them, not by the largest that can be.
        total: Bytes of the whole device; weights are dequantized only if they take no more than half of it.

    Raises:
        HarnessError: not even one sample at a time fits, with the figures.
    """
    budget = int(available * _SHARE[constraints.device])
    best: tuple[float, MemoryPlan] | None = None
    for dequantized in _routes(shape, constraints, total or available):
        for tokens in _sizes(longest, batch_tokens, constraints):
            plan = _least_recomputing(shape, constraints, tokens, budget, dequantized=dequantized)
            if plan is None:
                continue
            cost = _cost(plan, shape, steps or [batch_tokens], constraints)
            if best is None or cost < best[0]:
                best = cost, plan
    if best is None:
        recomputed = 0 if constraints.checkpointing is False else shape.layers
        least = estimate_memory(
            shape, constraints, tokens=longest, recomputed=recomputed, dequantized=constraints.dequantize is True
        )
        raise OutOfMemoryError(
            tr(
                "Training needs at least {total:.1f} GiB for a sample of {longest:,} tokens "
                "({weights:.1f} of them weights), and {budget:.1f} of the {available:.1f} GiB "
                "that are free may be used.",
                total=(least.total + _RESERVE) / GIB,
                longest=longest,
                weights=least.weights / GIB,
                budget=budget / GIB,
                available=available / GIB,
            ),
            hint=tr(
                "Try {what}.",
                what=listing(
                    [*(f"--set {change}" for change in _remedies(constraints, longest)), tr("a smaller base")]
                ),
            ),
        )
    return best[1]


def smaller(plan: MemoryPlan, shape: ModelShape, used: int, longest: int) -> MemoryPlan | None:
    """Return the plan after memory ran out with ``used`` tokens at once: half as many, then every layer recomputing.

    None if nothing is left to give up.
    """
    if used > longest:
        return replace(plan, tokens=max(longest, math.ceil(used / 2)))
    if plan.recomputed < shape.layers:
        return replace(plan, tokens=longest, recomputed=shape.layers)
    return None


def plan_table(
    shape: ModelShape,
    constraints: MemoryConstraints,
    plan: MemoryPlan,
    *,
    length: int,
    batch: int,
    say: Callable[[str], str] = str,
) -> str:
    """Return the estimate by micro-batch of samples of ``length`` tokens, without and with checkpointing, in GiB.

    ``say`` puts its words into a language.
    """
    rows = []
    digits = 1 if plan.estimate.total >= _SMALL else 2
    for samples in sorted({1, 2, 4, 8, batch} & set(range(1, batch + 1))):
        for recomputed in (0, shape.layers):
            amount = estimate_memory(
                shape, constraints, tokens=samples * length, recomputed=recomputed, dequantized=plan.dequantized
            )
            parts = (amount.weights, amount.adapter, amount.optimizer, amount.activations, amount.passing, amount.total)
            sizes = (f"{part / GIB:.{digits}f}" for part in parts)
            fits = tr("yes") if amount.fits(plan.available) else tr("no")
            checkpointing = tr("all") if recomputed else tr("none")
            rows.append((samples, length, say(checkpointing), *sizes, say(fits)))
    headers = [
        tr("micro-batch"), tr("tokens each"), tr("checkpointing"), tr("weights"), tr("adapter"), tr("optimizer"),
        tr("activations"), tr("passing"), "GiB", tr("fits"),
    ]  # fmt: skip
    return tabulate(rows, headers=[say(header) for header in headers], tablefmt="github", disable_numparse=True)


def _remedies(constraints: MemoryConstraints, longest: int) -> Iterator[str]:
    if constraints.checkpointing is False:
        yield "gradient_checkpointing=auto"
    if constraints.quantized and constraints.dequantize is True:
        yield "dequantize=auto"
    if not constraints.quantized:
        yield "quantization=nf4"
    if longest > _SHORT:
        yield f"max_length={1 << ((longest - 1).bit_length() - 1)}"


def _routes(shape: ModelShape, constraints: MemoryConstraints, total: int) -> Iterator[bool]:
    if not constraints.quantized or constraints.dequantize is False:
        yield False
        return
    if constraints.dequantize or shape.dense_weights <= total // 2:
        yield True
    if not constraints.dequantize:
        yield False


def _sizes(longest: int, batch_tokens: int, constraints: MemoryConstraints) -> Iterator[int]:
    """Yield numbers of tokens to try at once: the whole batch, then parts of it, down to the longest sample."""
    most = _MOST_TOKENS[constraints.device]
    if constraints.dense_mask:
        most = min(most, _DENSE_MASK_TOKENS)
    size = max(longest, min(batch_tokens, most))
    while size > longest:
        yield size
        size = max(longest, math.ceil(size * _SMALLER[constraints.device]))
    yield longest


def _least_recomputing(
    shape: ModelShape, constraints: MemoryConstraints, tokens: int, budget: int, *, dequantized: bool
) -> MemoryPlan | None:
    fixed = {True: (shape.layers,), False: (0,), None: range(shape.layers + 1)}[constraints.checkpointing]
    for recomputed in fixed:
        amount = estimate_memory(shape, constraints, tokens=tokens, recomputed=recomputed, dequantized=dequantized)
        if amount.fits(budget):
            return MemoryPlan(
                tokens=tokens,
                recomputed=recomputed,
                dequantized=dequantized,
                estimate=amount,
                available=budget,
                fused=constraints.fused,
            )
    return None


def _cost(plan: MemoryPlan, shape: ModelShape, steps: Sequence[int], constraints: MemoryConstraints) -> float:
    """Return the time of steps of so many tokens, in the time of one through a large micro-batch, none recomputing."""
    parts = sum(math.ceil(tokens / plan.tokens) for tokens in steps)
    four_bit = constraints.quantized and not plan.dequantized
    start = _COMPILED_OVERHEAD_TOKENS if constraints.compiled else _OVERHEAD_TOKENS
    overhead = start + (_DEQUANTIZE_TOKENS if four_bit else 0)
    slower = _RECOMPUTE * plan.recomputed / shape.layers + (_BROKEN_GRAPH if four_bit and constraints.compiled else 0)
    return sum(steps) * (1 + slower) + parts * overhead
