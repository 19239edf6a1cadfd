"""Dealing: whole models as long as they come out even, and no request lost or doubled."""

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.models.hf.crew.dealing import deal
from harness.types import Request

Ask = Callable[..., Request]


def _asked(ask: Ask, counts: list[int], lengths: int = 3) -> dict[str, list[Request]]:
    return {
        f"m{model}": [ask("問" * (1 + row % lengths), key=f"{model} {row}", new=100) for row in range(count)]
        for model, count in enumerate(counts)
    }


def test_five_models_on_two_hands_are_four_whole_ones_and_two_halves(ask: Ask) -> None:
    units = deal(_asked(ask, [10] * 5), 2)
    assert [(unit.model, len(unit.requests)) for unit in units] == [
        ("m0", 10), ("m1", 10), ("m2", 10), ("m3", 10), ("m4", 5), ("m4", 5),
    ]  # fmt: skip


def test_models_that_come_out_even_stay_whole_with_their_batches(ask: Ask) -> None:
    asked = _asked(ask, [7, 7])
    assert [unit.requests for unit in deal(asked, 2)] == [tuple(asked["m0"]), tuple(asked["m1"])]


def test_a_model_alone_is_split_into_parts_of_equal_lengths(ask: Ask) -> None:
    units = deal(_asked(ask, [12], lengths=12), 3)
    characters = [sum(len(request.rendered.text) for request in unit.requests) for unit in units]
    assert [len(unit.requests) for unit in units] == [4, 4, 4]
    assert max(characters) - min(characters) <= 2


@given(counts=st.lists(st.integers(0, 9), max_size=6), hands=st.integers(1, 5))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_request_is_dealt_once_and_nobody_has_much_more_than_another(
    ask: Ask, counts: list[int], hands: int
) -> None:
    units = deal(_asked(ask, counts), hands)
    dealt = Counter(request.key for unit in units for request in unit.requests)
    assert dealt == Counter(f"{model} {row}" for model, count in enumerate(counts) for row in range(count))
    free = [0] * hands
    for unit in units:
        free[free.index(min(free))] += len(unit.requests)
    assert max(free) - sum(counts) / hands <= max([1, *counts]), "at most one unit more than an even share"
    assert max(free) <= 1.1 * sum(counts) / hands + sum(1 for count in counts if count), "parts differ by a row a model"
