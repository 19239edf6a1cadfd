"""The memory plan: close to what was measured, within the memory there is, without touching any sum."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from harness.errors import HarnessError
from trainers.balancing import split_evenly
from trainers.memory_plan import (
    GIB,
    MemoryConstraints,
    MemoryPlan,
    ModelShape,
    estimate_memory,
    plan_memory,
    plan_table,
    smaller,
)

GB = 10**9


def llama_13b(rank: int = 16) -> ModelShape:
    """The shape of llm-jp-3-13b with an adapter on its seven projections, from the dimensions that FACTS.md gives."""
    hidden, inner, layers, vocabulary = 5120, 13824, 40, 99584
    linear = layers * (4 * hidden * hidden + 3 * hidden * inner)
    other = 2 * vocabulary * hidden + (2 * layers + 1) * hidden
    nf4 = 0.5 + 4 / 64
    return ModelShape(
        layers=layers,
        hidden=hidden,
        inner=inner,
        vocabulary=vocabulary,
        weights=int(linear * nf4 + other * 2),
        dense_weights=int((linear + other) * 2),
        adapter=layers * rank * (4 * 2 * hidden + 3 * (hidden + inner)),
        adapted_inputs=6 * hidden + inner,
        itemsize=2,
    )


shapes = st.builds(
    ModelShape,
    layers=st.integers(1, 60),
    hidden=st.integers(16, 8192),
    inner=st.integers(16, 30_000),
    vocabulary=st.integers(100, 300_000),
    weights=st.integers(10**6, 10 * GB),
    dense_weights=st.integers(10 * GB, 40 * GB),
    adapter=st.integers(1000, 10**9),
    adapted_inputs=st.integers(16, 60_000),
    itemsize=st.sampled_from([2, 4]),
)
choices = st.sampled_from([None, True, False])
wishes_of = st.builds(
    MemoryConstraints,
    dropout=st.booleans(),
    quantized=st.booleans(),
    optimizer_bytes=st.sampled_from([2, 8]),
    checkpointing=choices,
    dequantize=choices,
    dense_mask=st.booleans(),
    compiled=st.booleans(),
    fused=st.booleans(),
    device=st.sampled_from(["cuda", "cpu"]),
)


@pytest.mark.parametrize(
    ("rank", "dropout", "compiled", "tokens", "recomputed", "dequantized", "peak"),
    [
        (16, False, False, 5148, 0, True, 78.0 * GB),
        (16, True, False, 5148, 0, True, 97.0 * GB),
        (16, True, False, 5148, 40, True, 33.2 * GB),
        (16, False, False, 5148, 20, True, 54.8 * GB),
        (32, True, False, 7788, 2, True, 117.6 * GIB),
        (32, True, False, 7788, 40, False, 15.8 * GIB),
    ],
)
def test_the_estimate_is_within_a_tenth_of_measured_peaks(
    rank: int, dropout: bool, compiled: bool, tokens: int, recomputed: int, dequantized: bool, peak: float
) -> None:
    """Peaks allocated on one H200, 13.7 B shape, as bench/bare_training.py and bench/train_speed.py measure them."""
    estimate = estimate_memory(
        llama_13b(rank),
        MemoryConstraints(dropout=dropout, quantized=True, compiled=compiled),
        tokens=tokens,
        recomputed=recomputed,
        dequantized=dequantized,
    ).total
    assert estimate == pytest.approx(peak, rel=0.1)


@pytest.mark.parametrize(
    ("recomputed", "dequantized", "written", "fused"), [(11, True, 72.4, 65.05), (36, False, 18.33, 17.34)]
)
def test_fused_kernels_are_planned_as_they_were_measured(
    recomputed: int, dequantized: bool, written: float, fused: float
) -> None:
    """GiB used on one H100 by `course-unsloth`, 13.7 B shape, 5,576 tokens at once, without and with them."""

    def planned(*, kernels: bool) -> float:
        constraints = MemoryConstraints(dropout=True, quantized=True, fused=kernels)
        given = {"tokens": 5576, "recomputed": recomputed, "dequantized": dequantized}
        return estimate_memory(llama_13b(32), constraints, **given).total / GIB

    assert planned(kernels=False) == pytest.approx(written, rel=0.06)
    assert planned(kernels=True) == pytest.approx(fused, rel=0.06)
    assert planned(kernels=False) - planned(kernels=True) == pytest.approx(written - fused, rel=0.02)


@pytest.mark.parametrize(
    ("tokens", "recomputed", "dequantized", "peak"), [(10_699, 0, True, 74.6), (14_806, 15, False, 70.13)]
)
def test_compiled_layers_are_planned_as_they_were_measured(
    tokens: int, recomputed: int, dequantized: bool, peak: float
) -> None:
    """GiB used on one H100 by `fast`, 13.7 B shape: 4-bit weights end every graph, and more is kept."""
    constraints = MemoryConstraints(dropout=False, quantized=True, compiled=True)
    given = {"tokens": tokens, "recomputed": recomputed, "dequantized": dequantized}
    assert estimate_memory(llama_13b(), constraints, **given).total / GIB == pytest.approx(peak, rel=0.03)


def test_compiled_layers_keep_what_they_keep() -> None:
    """Kernels are for layers that run as they are written."""
    with_both, compiled = (
        MemoryConstraints(dropout=False, quantized=True, compiled=True, fused=fused) for fused in (True, False)
    )
    assert llama_13b().layer_token_bytes(with_both) == llama_13b().layer_token_bytes(compiled)


def test_the_loss_head_on_a_cpu_is_within_a_tenth_of_what_it_took() -> None:
    """Resident GiB over those before, 976 tokens through one layer of the embedded model's width (bench/README.md)."""
    peak = 0.434
    shape = ModelShape(
        layers=1,
        hidden=640,
        inner=2048,
        vocabulary=65_536,
        weights=10**8,
        dense_weights=10**8,
        adapter=10**6,
        adapted_inputs=6272,
        itemsize=2,
    )
    constraints = MemoryConstraints(dropout=False, quantized=False, device="cpu")
    estimate = estimate_memory(shape, constraints, tokens=976, recomputed=0, dequantized=False)
    assert (estimate.activations + estimate.passing) / GIB == pytest.approx(peak, rel=0.1)


def test_masks_are_those_that_layers_save_on_a_cpu() -> None:
    """Oracle: what autograd was given by attention of eighteen layers that read 300 tokens with one mask for all."""
    heads = [torch.ones(1, 1, 300, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(18)]
    mask = torch.ones(300, 300, dtype=torch.bool).tril() & (torch.rand(300, 300) < 0.9).fill_diagonal_(fill_value=True)
    saved: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.shape[-2:] == (300, 300):
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = [scaled_dot_product_attention(one, one, one, attn_mask=mask) for one in heads]
    taken = sum(saved.values()) + mask.nbytes
    assert 18 == len(saved) == len(outputs)
    shape = ModelShape(
        layers=18, hidden=8, inner=8, vocabulary=10, weights=1, dense_weights=1, adapter=1, adapted_inputs=8, itemsize=2
    )  # fmt: skip
    plain, masked = (
        estimate_memory(
            shape,
            MemoryConstraints(dropout=False, quantized=False, device="cpu", dense_mask=dense),
            tokens=300,
            recomputed=0,
            dequantized=False,
        ).total
        for dense in (False, True)
    )
    assert masked - plain == pytest.approx(taken, rel=0.1)


def test_the_weights_are_those_measured() -> None:
    """28.5 GB of bf16 weights were resident on that GPU."""
    assert llama_13b().dense_weights == pytest.approx(28.5 * GB, rel=0.05)


@given(shape=shapes, constraints=wishes_of, tokens=st.integers(1, 20_000), dequantized=st.booleans(), data=st.data())
def test_more_tokens_need_more_and_more_recomputing_needs_less(
    shape: ModelShape, constraints: MemoryConstraints, tokens: int, dequantized: bool, data: st.DataObject
) -> None:
    """Each part is monotone in the tokens; the total falls with every further layer that recomputes."""
    recomputed = data.draw(st.integers(0, shape.layers))

    def total(tokens: int, recomputed: int) -> int:
        return estimate_memory(shape, constraints, tokens=tokens, recomputed=recomputed, dequantized=dequantized).total

    assert total(tokens, recomputed) < total(tokens + 1, recomputed)
    if 0 < recomputed < shape.layers:
        assert total(tokens, recomputed) > total(tokens, recomputed + 1)


@given(
    shape=shapes,
    constraints=wishes_of,
    available=st.integers(GIB, 200 * GIB),
    longest=st.integers(8, 4096),
    more=st.integers(0, 60_000),
)
def test_a_plan_fits_and_keeps_what_is_fixed(
    shape: ModelShape, constraints: MemoryConstraints, available: int, longest: int, more: int
) -> None:
    """Never past the budget, never less than the longest sample at once, and never against the recipe."""
    try:
        plan = plan_memory(shape, constraints, available=available, longest=longest, batch_tokens=longest + more)
    except HarnessError:  # then not even the least of all plans may fit
        recomputed = 0 if constraints.checkpointing is False else shape.layers
        dense = constraints.quantized and constraints.dequantize is True
        least = estimate_memory(shape, constraints, tokens=longest, recomputed=recomputed, dequantized=dense).total
        assert least + GIB > 0.59 * available
        return
    assert plan.estimate.total <= plan.available < available
    expected = estimate_memory(
        shape, constraints, tokens=plan.tokens, recomputed=plan.recomputed, dequantized=plan.dequantized
    )
    assert expected == plan.estimate
    assert longest <= plan.tokens <= longest + more
    allowed = {True: {shape.layers}, False: {0}, None: set(range(shape.layers + 1))}[constraints.checkpointing]
    assert plan.recomputed in allowed
    if not constraints.quantized:
        assert not plan.dequantized
    elif constraints.dequantize is not None:
        assert constraints.dequantize == plan.dequantized


@given(
    lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=20), layers=st.integers(1, 60), tokens=st.integers(1, 9)
)
def test_giving_up_comes_to_an_end(lengths: list[int], layers: int, tokens: int) -> None:
    """From any plan, after a number of steps that grows with the logarithm of the tokens, nothing is left to give."""
    longest, total = max(lengths), sum(lengths)
    shape = llama_13b()
    plan: MemoryPlan | None = MemoryPlan(
        tokens=max(longest, total * tokens),
        recomputed=0,
        dequantized=True,
        estimate=estimate_memory(
            shape, MemoryConstraints(dropout=False, quantized=True), tokens=1, recomputed=0, dequantized=True
        ),
        available=GIB,
    )
    for _ in range(20):
        assert plan is not None
        used = max(sum(lengths[i] for i in group) for group in split_evenly(lengths, plan.tokens))
        plan, before = smaller(plan, shape, used, longest), plan
        if plan is None:
            assert (longest, shape.layers) == (used, before.recomputed)
            return
        assert plan.tokens < before.tokens or plan.recomputed > before.recomputed
        assert plan.tokens >= longest
    pytest.fail("never gave up")


def test_memory_is_halved_first_and_recomputing_comes_last() -> None:
    """Half the tokens each time until one sample is left; only then does every layer recompute."""
    shape = llama_13b()
    plan = plan_memory(
        shape,
        MemoryConstraints(dropout=False, quantized=True),
        available=140 * GIB,
        longest=500,
        batch_tokens=4000,
    )
    seen = []
    used = plan.tokens
    while (plan := smaller(plan, shape, used, 500)) is not None:  # type: ignore[assignment]
        used = plan.tokens
        seen.append((plan.tokens, plan.recomputed))
    assert [(2000, 0), (1000, 0), (500, 0), (500, 40)] == seen


def test_a_base_that_does_not_fit_is_refused_with_the_figures() -> None:
    """What it needs, what of that are weights, what may be used of what is free, and what to change."""
    shape = llama_13b()
    with pytest.raises(HarnessError) as caught:
        plan_memory(
            shape,
            MemoryConstraints(dropout=True, quantized=True, checkpointing=False, dequantize=True),
            available=8 * GIB,
            longest=1024,
            batch_tokens=8192,
        )
    estimate = estimate_memory(
        shape, MemoryConstraints(dropout=True, quantized=True), tokens=1024, recomputed=0, dequantized=True
    ).total
    expected = (
        f"Training needs at least {estimate / GIB + 0.6:.1f} GiB for a sample of 1,024 tokens (25.5 of them weights), "
        "and 7.6 of the 8.0 GiB that are free may be used."
    )
    assert expected == caught.value.message
    assert (
        "Try --set gradient_checkpointing=auto, --set dequantize=auto, --set max_length=512, a smaller base."
        == caught.value.hint
    )


def test_a_24_gb_card_takes_the_course_recipe() -> None:
    """``--memory 22`` for the 13.7 B shape: nf4 weights stay as they are and the plan fits 22 GiB (goal of 24 GB)."""
    plan = plan_memory(
        llama_13b(32),
        MemoryConstraints(dropout=True, quantized=True),
        available=22 * GIB,
        longest=1000,
        batch_tokens=6000,
        total=22 * GIB,
    )
    assert (False, True) == (plan.dequantized, plan.recomputed > 0)
    assert plan.estimate.total <= 22 * GIB


def test_a_large_card_turns_weights_back_and_recomputes_little() -> None:
    """On 139 GiB the whole batch of the course goes through at once."""
    plan = plan_memory(
        llama_13b(32),
        MemoryConstraints(dropout=False, quantized=True),
        available=139 * GIB,
        longest=1000,
        batch_tokens=6000,
    )
    assert (6000, 0, True) == (plan.tokens, plan.recomputed, plan.dequantized)


def test_compiled_layers_get_dense_weights_where_they_fit() -> None:
    """A 4-bit layer ends a compiled graph: `fast` on an H100 made 7,638 tokens/s with them, and recomputed besides."""
    constraints = MemoryConstraints(dropout=False, quantized=True, compiled=True)
    h100 = {"available": int(78.6 * GIB), "total": int(79.2 * GIB), "longest": 1000, "batch_tokens": 14_806}
    plan = plan_memory(llama_13b(16), constraints, **h100)
    assert plan.dequantized
    assert plan.recomputed <= 1
    assert plan.estimate.total <= plan.available <= 0.96 * 78.6 * GIB


def test_what_is_fastest_is_decided_by_steps_as_they_come() -> None:
    """The eight longest samples never meet: for steps of 4,400 tokens fewer layers recompute than for one of 7,716."""
    constraints = MemoryConstraints(dropout=True, quantized=True)
    given = {"available": int(21.8 * GIB), "total": int(22.2 * GIB), "longest": 1000, "batch_tokens": 7716}
    worst = plan_memory(llama_13b(32), constraints, **given)
    usual = plan_memory(llama_13b(32), constraints, **given, steps=[3900, 4400, 4400, 5000])
    assert (worst.tokens, worst.recomputed) == (7716, 38)
    assert 5000 <= usual.tokens < 7716
    assert usual.recomputed < worst.recomputed
    assert 0.9 * usual.available < usual.estimate.total <= usual.available


def test_masks_of_tokens_by_tokens_keep_micro_batches_short() -> None:
    """Without a kernel for sequences of many lengths no micro-batch has over 4,096 tokens."""
    shape = llama_13b()
    plan = plan_memory(
        shape,
        MemoryConstraints(dropout=False, quantized=True, dense_mask=True),
        available=139 * GIB,
        longest=500,
        batch_tokens=16_000,
    )
    assert plan.tokens <= 4096


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1]), (2, [1, 2]), (8, [1, 2, 4, 8]), (17, [1, 2, 4, 8, 17])])
def test_the_table_shows_each_size_once_without_and_with_checkpointing(batch: int, sizes: list[int]) -> None:
    """A line for each, whose parts add up to the last column, and whether it fits what the plan may use."""
    shape, constraints = llama_13b(), MemoryConstraints(dropout=True, quantized=True)
    plan = plan_memory(shape, constraints, available=60 * GIB, longest=512, batch_tokens=512 * batch)
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in plan_table(shape, constraints, plan, length=512, batch=batch).splitlines()
    ]
    head, rows = lines[0], lines[2:]
    assert ["micro-batch", "tokens each", "checkpointing", "weights"] == head[:4]
    assert [(str(size), kind) for size in sizes for kind in ("none", "all")] == [(row[0], row[2]) for row in rows]
    for row in rows:
        parts = [float(cell) for cell in row[3:8]]
        assert sum(parts) == pytest.approx(float(row[8]), abs=0.3)
        assert ("yes" if float(row[8]) + 1 <= plan.available / GIB else "no") == row[9]  # 1 GiB is the reserve


@pytest.mark.parametrize(("recomputed", "kept"), [(0, "none"), (7, "7 of 40 layers"), (40, "40 of 40 layers")])
def test_the_plan_in_words_names_its_figures(recomputed: int, kept: str) -> None:
    """Tokens, layers, the route, and bytes against what may be used."""
    shape = llama_13b()
    amount = estimate_memory(
        shape, MemoryConstraints(dropout=False, quantized=True), tokens=1234, recomputed=0, dequantized=True
    )
    plan = MemoryPlan(tokens=1234, recomputed=recomputed, dequantized=True, estimate=amount, available=50 * GIB)
    assert (
        f"1,234 tokens at once, activation checkpointing: {kept}, nf4 weights dequantized once at load; "
        f"about {amount.total / GIB:.1f} of the 50.0 GiB that may be used"
    ) == plan.describe(shape)


def test_what_a_layer_was_measured_to_keep_counts() -> None:
    """In place of the formula, which is of the Llama shape."""
    shape, constraints = (
        replace(llama_13b(), kept=40_000),
        MemoryConstraints(dropout=False, quantized=False, device="cpu"),
    )
    assert 40_000 == shape.layer_token_bytes(constraints)
    amount = estimate_memory(shape, constraints, tokens=100, recomputed=0, dequantized=False)
    assert 100 * 40 * 40_000 == amount.activations


@pytest.mark.parametrize(("processes", "held"), [(2, 100 + 15 + 5 + 15 + 60), (3, 100 + 10 + 4 + 10 + 60)])
def test_what_one_of_several_processes_holds(processes: int, held: int) -> None:
    """All that is in no layer, its part of each of three layers, and two of the largest put together."""
    layers = (30, 10, 30)
    shape = replace(llama_13b(), weights=170, dense_weights=370, layer_weights=layers, dense_layer_weights=(90,) * 3)
    shared = shape.sharded(processes)
    assert held == shared.weights
    assert 100 + 3 * 90 / processes + 180 == shared.dense_weights
    assert shape == replace(shared, weights=170, dense_weights=370)


def test_a_plan_says_that_weights_are_shared() -> None:
    """And among how many."""
    estimate = estimate_memory(
        llama_13b(), MemoryConstraints(dropout=False, quantized=True), tokens=10, recomputed=0, dequantized=False
    )
    plan = MemoryPlan(tokens=10, recomputed=0, dequantized=False, estimate=estimate, available=GIB, shards=4)
    assert ", the layers' weights shared among 4 processes; about" in plan.describe(llama_13b())
