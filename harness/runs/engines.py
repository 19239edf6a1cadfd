"""One engine for all models of a run that could choose."""

from collections.abc import Mapping, Sequence

from harness.notices import Notice, as_notice
from harness.protocols import ChoosesEngine, ModelBackend
from harness.types import Request


def on_one_engine(
    models: Mapping[str, ModelBackend], requests: Sequence[Request]
) -> tuple[dict[str, ModelBackend], tuple[Notice, ...]]:
    """Return a run's models, in their order, those that could choose on one engine, and what is to be said of it.

    Raises:
        HarnessError: the engine that was asked for cannot be had.
    """
    choosing = {label: one for label, one in models.items() if isinstance(one, ChoosesEngine)}
    if not choosing:
        return dict(models), ()
    chosen = next(iter(choosing.values())).choose_engine(choosing, requests)
    said = () if chosen.notice is None else (as_notice(chosen.notice),)
    return {label: chosen.models.get(label, one) for label, one in models.items()}, said
