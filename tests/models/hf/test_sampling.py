"""Choosing tokens, against transformers' own penalty and against the distribution that a temperature means."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import RepetitionPenaltyLogitsProcessor

from harness.models.hf.batching import BatchRow
from harness.models.hf.sampling import Sampler
from harness.types import Request

Ask = Callable[..., Request]
CPU = torch.device("cpu")


def test_the_penalty_is_that_of_transformers(ask: Ask) -> None:
    """Prompt and answer count, over several steps."""
    torch.manual_seed(0)
    ids = [5, 6, 7, 6]
    sampler = Sampler([BatchRow(request=ask("a", penalty=1.7), ids=ids, limit=9)], CPU)
    reference = RepetitionPenaltyLogitsProcessor(1.7)
    for _ in range(20):
        logits = torch.randn(1, 12) * 3
        expected = reference(torch.tensor([ids]), logits.clone()).argmax(dim=-1)
        chosen = sampler.choose(logits)
        assert expected.tolist() == chosen.tolist()
        ids = [*ids, *chosen.tolist()]


def test_rows_are_penalised_for_their_own_tokens_only(ask: Ask) -> None:
    """A shorter row beside a longer one, and each row with its own penalty."""
    rows = [
        BatchRow(request=ask("a", penalty=2.0), ids=[1, 2, 3], limit=9),
        BatchRow(request=ask("b", penalty=2.0), ids=[4], limit=9),
        BatchRow(request=ask("c", penalty=1.0), ids=[4], limit=9),
    ]
    logits = torch.tensor([[0.0, 0.0, 0.0, 5.0, 4.0, 0.0]] * 3)
    assert [4, 3, 3] == Sampler(rows, CPU).choose(logits).tolist()
    logits = torch.tensor([[0.0, 0.0, 0.0, 4.0, 5.0, 0.0]] * 3)
    assert [4, 3, 4] == Sampler(rows, CPU).choose(logits).tolist()


def test_a_temperature_draws_from_the_softmax(ask: Ask) -> None:
    """4,000 draws at temperature 0.7 fit the distribution (chi-square)."""
    logits = torch.tensor([[1.0, 0.0, -1.0, 0.5, 2.0]])
    sampler = Sampler([BatchRow(request=ask("a", temperature=0.7, penalty=1.0), ids=[0], limit=9)], CPU)
    counts = np.bincount([int(sampler.choose(logits)) for _ in range(4000)], minlength=5)
    expected = torch.softmax(logits[0].double() / 0.7, dim=0).numpy() * 4000
    assert stats.chisquare(counts, expected).pvalue > 0.001


def test_a_rows_draws_do_not_depend_on_its_neighbours(ask: Ask) -> None:
    """The stream belongs to the request."""
    torch.manual_seed(0)
    logits = torch.randn(6, 1, 50)
    row = BatchRow(request=ask("a", temperature=1.0), ids=[1], limit=9)
    other = BatchRow(request=ask("b", temperature=1.0), ids=[1, 2, 3], limit=9)
    alone, beside = Sampler([row], CPU), Sampler([other, row], CPU)
    first = [int(alone.choose(step)) for step in logits]
    second = [int(beside.choose(step.expand(2, -1))[1]) for step in logits[:3]]
    beside.keep([1])
    second += [int(beside.choose(step)) for step in logits[3:]]
    assert first == second


@pytest.mark.parametrize("change", [{"seed": 1}, {"repeat": 1}, {"key": "another"}])
def test_seed_repeat_and_request_change_the_draws(ask: Ask, change: dict[str, int | str]) -> None:
    """Repeats of one task are independent draws."""
    logits = torch.zeros(1, 1000)
    drawn = []
    for request in (ask("a", key="k", temperature=1.0), ask("a", **{"key": "k"} | change, temperature=1.0)):
        sampler = Sampler([BatchRow(request=request, ids=[1], limit=9)], CPU)
        drawn.append([int(sampler.choose(logits)) for _ in range(8)])
    assert drawn[0] != drawn[1]


def test_ties_go_to_the_lower_id(ask: Ask) -> None:
    """Greedy is a function of the scores."""
    sampler = Sampler([BatchRow(request=ask("a", penalty=1.0), ids=[0], limit=9)], CPU)
    assert 1 == int(sampler.choose(torch.tensor([[0.0, 3.0, 3.0]])))


def test_rows_that_enter_are_chosen_for_as_if_alone(ask: Ask) -> None:
    """In the place of another and behind the last: penalty and draws are their own, and those of the others go on."""
    torch.manual_seed(1)
    logits = torch.randn(9, 1, 40) * 2
    stays = BatchRow(request=ask("stays", temperature=1.0, penalty=1.5), ids=[1, 2, 3], limit=9)
    goes = BatchRow(request=ask("goes", penalty=1.0), ids=[*range(20)], limit=9)
    enters = [
        BatchRow(request=ask(f"enters {length}", temperature=length % 2, penalty=1.9), ids=[*range(length)], limit=9)
        for length in (7, 2)
    ]
    alone = [Sampler([row], CPU) for row in (stays, *enters)]
    expected = [
        [int(sampler.choose(step)) for step in logits[:count]] for sampler, count in zip(alone, (9, 6, 6), strict=True)
    ]
    together = Sampler([goes, stays], CPU)
    found = [together.choose(step.expand(2, -1)).tolist() for step in logits[:3]]
    together.admit([0, 2], enters)
    assert together._seen.shape == (3, 7), "as wide as the longest that is left"
    later = [together.choose(torch.cat([logits[step], logits[step + 3], logits[step]])).tolist() for step in range(6)]
    assert expected[0] == [row[1] for row in found + later]
    assert expected[1:] == [[row[0] for row in later], [row[2] for row in later]]
