"""Rows that enter a running batch: which, when, and that every answer is the one that its row gets alone."""

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig

from harness.models.hf.batching import BatchRow
from harness.models.hf.decoding import decode
from harness.models.hf.forward_cuda_graph import GraphSteps
from harness.models.hf.forward_eager import EagerSteps
from harness.models.hf.progress import TokenMeter
from harness.models.hf.refilling import Waiting
from harness.types import Message, RenderedPrompt, Request, Sampling
from tests.models.hf.test_batching import row as plain_row
from tests.models.hf.test_forward_cuda_graph import uncaptured

END = 5
COMMON: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "max_position_embeddings": 512,
}
SLIDING = Gemma3TextConfig(
    **COMMON,
    num_hidden_layers=3,
    head_dim=8,
    query_pre_attn_scalar=8,
    sliding_window=16,
    layer_types=["sliding_attention", "full_attention", "sliding_attention"],
)
CONFIGS = {"llama": LlamaConfig(**COMMON, num_hidden_layers=2), "gemma": SLIDING}


class Counting(TokenMeter):
    """Counts passes, and the rows that each was for."""

    def __init__(self) -> None:
        super().__init__("", 0, 0)
        self.live: list[int] = []

    def passed(self, rows: int) -> None:
        self.live.append(rows)
        super().passed(rows)


class Numbers:
    """An encoder whose text is the tokens' numbers."""

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(map(str, tokens))


NUMBERS: Any = Numbers()


def drawn(seed: int, rows: int) -> list[BatchRow]:
    """Return rows of very unlike prompts and limits, with penalties, temperatures and stop strings, longest first."""
    draw = random.Random(seed)
    found = []
    for index in range(rows):
        asked = Request(
            key=f"{seed} {index}",
            task="t",
            sample_id=str(index),
            model="m",
            prompt="p",
            repeat=0,
            rendered=RenderedPrompt(messages=(Message(role="user", content=""),), stop=draw.choice([(), (), ("12",)])),
            sampling=Sampling(
                max_new_tokens=160,
                temperature=draw.choice([0.0, 0.0, 1.0]),
                repetition_penalty=draw.choice([1.0, 1.2]),
                seed=seed,
            ),
        )
        ids = [draw.randrange(END + 1, 97) for _ in range(draw.randint(1, 60))]
        found.append(BatchRow(request=asked, ids=ids, limit=draw.choice([1, 2, 20, 60, 160])))
    return sorted(found, key=lambda row: -len(row.ids))


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """Random models whose scores lie far apart: their answers end at unlike places."""
    made = {}
    for name, config in CONFIGS.items():
        torch.manual_seed(3)
        made[name] = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
        for parameter in made[name].parameters():
            parameter.data.normal_(0, 0.3)
    return made


def answered(
    batch: Sequence[BatchRow], steps: Any, behind: Sequence[list[BatchRow]] = ()
) -> tuple[dict[str, Any], Counting, Waiting]:
    """Return answers by key, each of which must come once, with what was counted."""
    meter, waiting = Counting(), Waiting(batch, deque(behind))
    found: dict[str, Any] = {}
    for answer in decode(batch, steps, NUMBERS, frozenset({END}), meter, waiting=waiting):
        assert answer.row.request.key not in found
        del waiting.unanswered[answer.row.request.key]
        found[answer.row.request.key] = (answer.tokens, answer.text, answer.finish)
    return found, meter, waiting


def made(kind: str, model: Any) -> Any:
    """Return new steps of a kind."""
    return GraphSteps(model, 0, 160) if kind == "graph" else EagerSteps(model, 0)


def cut(rows: Sequence[BatchRow], size: int) -> list[list[BatchRow]]:
    """Return rows in batches."""
    return [list(rows[start : start + size]) for start in range(0, len(rows), size)]


@pytest.mark.parametrize(("name", "kind"), [("llama", "eager"), ("llama", "graph"), ("gemma", "eager")])
def test_an_answer_is_the_one_that_its_row_gets_alone(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """Whoever was in its place before and whoever is beside it, in windows that slide and in fixed buffers."""
    monkeypatch.setattr(GraphSteps, "_capture", uncaptured)
    model = models[name]
    finishes = set()
    for seed in range(2):
        rows = drawn(seed, 30)
        alone = {key: one for row in rows for key, one in answered([row], EagerSteps(model, 0))[0].items()}
        first, *behind = cut(rows, 6)
        found, meter, waiting = answered(first, made(kind, model), behind)
        entered = {key: one for key, one in alone.items() if key in found}
        assert found == entered
        assert len(found) > 20, "some may need more tokens than this batch was planned for"
        assert not waiting.unanswered
        assert max(meter.live) == 6
        finishes |= {finish for _, _, finish in found.values()}
    assert finishes == {"stop", "length"}


@pytest.mark.parametrize("kind", ["eager", "graph"])
def test_uneven_answers_take_fewer_passes(models: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """64 rows, 16 at a time, a quarter of them long: passes and how full they are, against a batch after the other."""
    monkeypatch.setattr(GraphSteps, "_capture", uncaptured)
    limits = [160 if index % 4 == 1 else 10 + index % 16 for index in range(64)]
    rows = [plain_row(f"{index:02}", 20 - index // 4, limit) for index, limit in enumerate(limits)]
    first, *behind = cut(rows, 16)
    tokens = {}

    def passes(parts: list[tuple[list[BatchRow], list[list[BatchRow]]]]) -> list[int]:
        live: list[int] = []
        for batch, queue in parts:
            meter, waiting = Counting(), Waiting(batch, deque(queue))
            steps = made(kind, models["llama"])
            for one in decode(batch, steps, NUMBERS, frozenset(), meter, waiting=waiting):
                assert tokens.setdefault(one.row.request.key, one.tokens) == one.tokens
            live += meter.live
        return live

    before, after = passes([(batch, []) for batch in (first, *behind)]), passes([(first, behind)])
    assert len(tokens) == 64
    assert sum(before) == sum(after) == sum(limits)
    assert len(before) == 4 * 160
    assert sum(before) / len(before) / 16 < 0.34
    assert len(after) <= 340, "the longest rows one after the other would take 160 + 160"
    assert sum(after) / len(after) / 16 > 0.6


def test_rows_that_fit_into_one_batch_never_wait(models: dict[str, Any]) -> None:
    """Nothing enters, nothing is read on the way, and a batch is dropped as it always was."""
    rows = drawn(7, 6)
    steps = EagerSteps(models["llama"], 0)
    steps.admit = None  # type: ignore[method-assign, assignment]
    found, meter, waiting = answered(rows, steps)
    assert not waiting.is_open
    assert len(found) == 6
    assert meter.live == sorted(meter.live, reverse=True)


def test_a_model_whose_rows_cannot_move_goes_batch_by_batch(models: dict[str, Any]) -> None:
    """What waits stays where it is, for a batch of its own."""
    first, *behind = cut(drawn(8, 6), 3)
    steps = EagerSteps(models["llama"], 0)
    steps.refills = False
    found, _, waiting = answered(first, steps, behind)
    assert {row.request.key for row in first} == set(found)
    assert waiting.is_open


def test_places_are_filled_once_they_were_empty_for_as_long_as_that_costs() -> None:
    """Four empty places of eight for four passes are two passes of the batch."""
    waiting = Waiting([plain_row(str(index), 9, 9) for index in range(8)], deque([[plain_row("n", 5, 9)]] * 1))
    assert [len(waiting.due(4, 2.0)) for _ in range(5)] == [0, 0, 0, 1, 0]
    assert not waiting.is_open
    assert set(waiting.unanswered) == {*map(str, range(8)), "n"}


def test_a_batch_that_has_ended_is_filled_at_once() -> None:
    rows = [plain_row(str(index), 9, 9) for index in range(3)]
    waiting = Waiting(rows[:1], deque([[rows[1]], [rows[2]]]))
    assert waiting.due(0, 2.0) == [rows[1]]
    assert waiting.due(0, 2.0) == [rows[2]]
    assert waiting.due(0, 2.0) == []


def test_rows_that_need_more_tokens_than_were_planned_wait_for_a_batch_of_their_own() -> None:
    """The padding to the longest that enters counts, too."""
    long, fits, padded = plain_row("long", 9, 20), plain_row("fits", 8, 10), plain_row("padded", 5, 12)
    behind = deque([[long, fits, padded]])
    waiting = Waiting([plain_row("first", 10, 9), plain_row("second", 9, 9)], behind)
    assert waiting.due(0, 1.0) == [fits]
    assert [*behind] == [[long, padded]]
    assert waiting.due(0, 1.0) == [padded]
    assert ([*behind], waiting.is_open) == ([[long]], False)


def test_a_batch_that_is_much_wider_begins_anew() -> None:
    """Many short rows one by one in the few places of long ones would leave most of the memory unused."""
    short = [plain_row(str(index), 2, 2) for index in range(10)]
    batch = [plain_row("long", 90, 9)] * 4
    assert not Waiting(batch, deque([short])).is_open
    assert Waiting(batch, deque([short[:6], short])).is_open
    behind = deque([short[:6], short])
    waiting = Waiting(batch, behind)
    assert len(waiting.due(0, 1.0)) == 4
    assert len(waiting.due(0, 1.0)) == 2
    assert ([*behind], waiting.is_open) == ([short], False)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=40), st.integers(1, 6))
def test_no_row_is_lost_or_given_twice(lengths: list[tuple[int, int]], size: int) -> None:
    """Of what enters, every row fits; what does not stays behind in its order."""
    rows = [plain_row(str(index), *shape) for index, shape in enumerate(sorted(lengths, reverse=True))]
    first, *behind = cut(rows, size)
    queue = deque(behind)
    waiting, given_out = Waiting(first, queue), list(first)
    span = len(first[0].ids) + max(row.limit for row in first)
    while taken := waiting.due(0, 1.0):
        assert len(taken) <= size
        assert all(len(taken[0].ids) + row.limit <= span for row in taken)
        given_out += taken
    left = [row for batch in queue for row in batch]
    assert len(given_out) + len(left) == len(rows)
    assert {row.request.key for row in given_out + left} == {row.request.key for row in rows}
    assert [row for row in rows if row in left] == left
    assert waiting.begun() == sorted(given_out, key=lambda row: -len(row.ids))
