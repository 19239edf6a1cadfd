"""When the processes of a training share the weights of its base, and what is said where they should or cannot."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import OutOfMemoryError, UsageError
from trainers.memory_plan import GIB, MemoryEstimate, MemoryPlan
from trainers.recipe import Recipe
from trainers.sharding import choose_plan


def planner(room: float) -> Callable[[int, int], MemoryPlan]:
    """Return what plans for GPUs of so many GiB and a base that takes 40, two of which every process has whole."""

    def planned(world: int, shards: int) -> MemoryPlan:
        del world
        needed = 2 + 38 / shards
        if needed > room:
            raise OutOfMemoryError(f"{needed:.1f} of {room} GiB", hint="Try a smaller base.")
        estimate = MemoryEstimate(weights=int(needed * GIB), adapter=0, optimizer=0, activations=0, passing=0)
        return MemoryPlan(
            tokens=1, recomputed=0, dequantized=False, estimate=estimate, available=int(room * GIB), shards=shards
        )

    return planned


@pytest.mark.parametrize(
    ("shard", "world", "room", "shards"),
    [("auto", 1, 50, 1), ("auto", 2, 50, 1), ("auto", 2, 30, 2), (True, 2, 50, 2), (False, 4, 50, 1), (True, 4, 15, 4)],
)
def test_weights_are_shared_where_they_must_be(shard: Any, world: int, room: float, shards: int) -> None:
    """By itself only where they do not fit whole."""
    assert shards == choose_plan(Recipe(shard=shard), planner(room), world=world, device="cuda").shards


@pytest.mark.parametrize(("room", "gpus", "each"), [(30, 2, "21.0"), (15, 4, "11.5"), (7, 8, "6.8")])
def test_one_process_is_told_how_many_gpus_would_do(room: float, gpus: int, each: str) -> None:
    """Beside what else would, with what each of them would hold."""
    with pytest.raises(OutOfMemoryError, match=f"40.0 of {room} GiB") as caught:
        choose_plan(Recipe(), planner(room), world=1, device="cuda")
    hint = str(caught.value.hint)
    assert "Try a smaller base. Or start it on " in hint
    assert f"{gpus} GPUs like this one, which share the weights ({each} GiB on each)" in hint
    assert f"torchrun --nproc-per-node {gpus} --no-python harness train" in hint


@pytest.mark.parametrize(
    ("recipe", "world", "device", "room"),
    [
        (Recipe(), 1, "cuda", 5),
        (Recipe(), 1, "cpu", 30),
        (Recipe(), 2, "cuda", 20),
        (Recipe(shard=False), 2, "cuda", 30),
        (Recipe(use_dora=True), 1, "cuda", 30),
    ],
)
def test_what_fits_nowhere_is_refused_as_ever(recipe: Recipe, world: int, device: str, room: float) -> None:
    """Where more GPUs would not help, or cannot be used."""
    with pytest.raises(OutOfMemoryError) as caught:
        choose_plan(recipe, planner(room), world=world, device=device)
    assert "Try a smaller base." == caught.value.hint


@pytest.mark.parametrize(
    ("changes", "world", "said", "next_step"),
    [
        ({}, 1, "this is one process", "torchrun --nproc-per-node 2"),
        ({"use_dora": True}, 2, "use_dora reads the weights of all layers", "--set use_dora=false"),
    ],
)
def test_what_cannot_be_shared_is_said(changes: dict[str, Any], world: int, said: str, next_step: str) -> None:
    """With the reason and the next step."""
    with pytest.raises(UsageError, match=said) as caught:
        choose_plan(Recipe(shard=True, **changes), planner(90), world=world, device="cuda")
    assert next_step in str(caught.value.hint)
