"""Whether the processes of a training share the weights of its base, and how many GPUs would hold it."""

from collections.abc import Callable

from harness.errors import OutOfMemoryError, UsageError
from harness.locale import tr
from trainers.memory_plan import GIB, MemoryPlan
from trainers.recipe import Recipe

_TRIED = (2, 4, 8)  # GPUs of one machine


def choose_plan(recipe: Recipe, planned: Callable[[int, int], MemoryPlan], *, world: int, device: str) -> MemoryPlan:
    """Return the plan of a training of ``world`` processes: its weights whole in each, if they fit or must be.

    ``planned`` makes a plan for so many processes, among so many of which the weights are shared (1: not shared).

    Raises:
        OutOfMemoryError: it does not fit; how many GPUs would do, where more would.
        UsageError: weights are to be shared, and cannot be.
    """
    if recipe.shard is True:
        if world == 1:
            raise UsageError(
                tr(
                    "shard = true shares the base's weights among the processes of a training, and this is one process."
                ),
                hint=tr("Start several: torchrun --nproc-per-node 2 --no-python harness train ..."),
            )
        _refuse_dora(recipe)
        return planned(world, world)
    try:
        return planned(world, 1)
    except OutOfMemoryError as error:
        if recipe.shard is False:
            raise
        if world > 1:
            _refuse_dora(recipe)
            return planned(world, world)
        if device != "cuda" or recipe.use_dora:
            raise
        for gpus in _TRIED:
            try:
                plan = planned(gpus, gpus)
            except OutOfMemoryError:
                continue
            hint = tr(
                "{hint} Or start it on {n} GPUs like this one, which share the weights ({needed:.1f} GiB on each): "
                "torchrun --nproc-per-node {n} --no-python harness train ...",
                hint=error.hint,
                n=gpus,
                needed=plan.estimate.total / GIB,
            )
            raise OutOfMemoryError(error.message, hint=hint) from None
        raise


def _refuse_dora(recipe: Recipe) -> None:
    if recipe.use_dora:
        raise UsageError(
            tr(
                "use_dora reads the weights of all layers at once, and no process has them whole where they are shared."
            ),
            hint=tr("Leave it out (--set use_dora=false), or take larger GPUs and --set shard=false."),
        )
