"""One engine for all models of a run that could choose."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.protocols import EngineChoice
from harness.runs.engines import on_one_engine


class Plain:
    """A model with one engine."""

    fingerprint = "plain"

    def generate(self, requests: Sequence[Any]) -> Any:
        yield from ()


class Choosing(Plain):
    """A model that moves, with all that could, to another engine."""

    def choose_engine(self, board: Mapping[str, Any], requests: Sequence[Any]) -> EngineChoice:
        return EngineChoice(models={label: Plain() for label in board}, notice="moved")


def test_those_that_could_choose_move_together_and_the_order_stays() -> None:
    """Others are not asked."""
    served = Plain()
    models, said = on_one_engine({"a": Choosing(), "served": served, "b": Choosing()}, [])
    assert ["a", "served", "b"] == list(models)
    assert served is models["served"]
    assert {Plain} == {type(one) for one in models.values()}
    assert (("moved", "other"),) == tuple((str(one), one.code) for one in said)
    assert ({"served": served}, ()) == on_one_engine({"served": served}, [])
