"""Whether adapters act inside the engine, by scores made up by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AdapterMismatchError, HarnessError, ModelLoadError
from harness.models.hf.adapters import open_adapter
from harness.models.vllm.engine import Said
from harness.models.vllm.gate import check_effects
from harness.notices import Notice
from harness.testing import make_lora

BASE = (-1.0, -2.0, -4.0, -0.5)


class Scripted:
    """An engine that gives scores in the order asked: of the base alone, of the base beside adapters, of each."""

    def __init__(self, *scores: Sequence[float]) -> None:
        self.scores = list(scores)
        self.asked: list[Any] = []

    def run(self, asks: Sequence[Any]) -> Any:
        self.asked = list(asks)
        for place in range(len(asks)):
            yield place, Said(tokens=(1,), reason="length", prompt_scores=tuple(self.scores.pop(0)))


def moved(by: float) -> tuple[float, ...]:
    return (*BASE[:-1], BASE[-1] - by)


@pytest.mark.parametrize(
    ("again", "adapted", "kind"),
    [
        (BASE, BASE, AdapterMismatchError),  # loaded and passed over
        (BASE, moved(0.5), type(None)),
        (BASE, moved(0.001), Notice),  # less than a hundredth of the spread of the base's scores, 1.35
        (moved(0.2), moved(0.5), AdapterMismatchError),  # within twice what the base differs from itself by
        (moved(0.2), moved(0.7), type(None)),
        (BASE, (float("nan"),) * 4, ModelLoadError),
    ],
)
def test_an_effect_is_what_exceeds_the_engine_s_own_noise(
    two_adapters: Mapping[str, Path], again: Sequence[float], adapted: Sequence[float], kind: type
) -> None:
    """The base scored twice in the same call says how large that is."""
    adapter = open_adapter(str(two_adapters["small"]))
    engine: Any = Scripted(BASE, again, adapted)
    [seen] = check_effects(engine, [adapter], range(5)).values()
    assert kind is type(seen)
    assert [None, adapter] == [one.adapter for one in engine.asked]


def test_a_prompt_of_one_token_is_scored_all_the_same(two_adapters: Mapping[str, Path]) -> None:
    """Its first token has no score."""
    engine: Any = Scripted((-1.0,), (-1.0,), (-2.0,))
    assert [None] == list(check_effects(engine, [open_adapter(str(two_adapters["small"]))], [1]).values())
    assert [1, 1] == list(engine.asked[0].ids)


def test_a_base_whose_scores_are_no_numbers_ends_it() -> None:
    """Nothing can be said of any adapter."""
    engine: Any = Scripted((float("nan"),), (0.0,))
    with pytest.raises(HarnessError, match="The base's scores are not numbers"):
        check_effects(engine, [], [1, 2])


def test_a_base_that_gets_an_adapter_s_weights_beside_it_ends_it(two_adapters: Mapping[str, Path]) -> None:
    """As in vLLM 0.32 on a CPU: the base is right alone, and beside adapters it is the one in the last slot."""
    adapters = [open_adapter(str(path)) for path in two_adapters.values()]
    engine: Any = Scripted(BASE, moved(0.5), moved(0.3), moved(0.5))
    with pytest.raises(HarnessError, match="the base with an adapter's weights"):
        check_effects(engine, adapters, range(5))


def test_an_adapter_before_its_first_step_is_refused_by_its_file(tiny: Path, tmp_path: Path) -> None:
    """The engine is not asked about it, and the others are not held up by it."""
    empty = open_adapter(str(make_lora(tmp_path / "empty", tiny, scale=0.0)))
    engine: Any = Scripted(BASE, BASE)
    [seen] = check_effects(engine, [empty], range(5)).values()
    assert "all its lora_B weights are zero" in str(seen)
    assert [None] == [one.adapter for one in engine.asked]
