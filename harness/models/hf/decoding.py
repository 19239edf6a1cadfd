"""The generation loop: rows from prompts to answers, a batch at a time.

It differs from transformers' ``generate`` where an evaluation needs it: the repetition penalty ignores padding (there a
padded row is penalised for its padding, so the answer depends on the batch), a row that is done leaves the batch and is
handed over at once, rows that wait take the places of those that are done, and each row draws from its own random
stream.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from harness.models.hf.batching import BatchRow
from harness.models.hf.forward_eager import Steps
from harness.models.hf.progress import TokenMeter
from harness.models.hf.refilling import Waiting, placed
from harness.models.hf.sampling import Sampler
from harness.models.hf.tokens import Encoder
from harness.types import FinishReason

_TAIL = 24  # generated tokens that are decoded to look for a stop string


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What was generated for a row: ``tokens`` as the model gave them, with the end token if it gave one.

    ``text`` is None if the model's scores stopped being numbers.
    """

    row: BatchRow
    tokens: tuple[int, ...]
    text: str | None
    finish: FinishReason
    seconds: float


@dataclass(slots=True)
class _Live:
    row: BatchRow
    tokens: list[int] = field(default_factory=list)
    seconds: float = 0.0


def decode(
    rows: Sequence[BatchRow],
    steps: Steps,
    encoder: Encoder,
    end: frozenset[int],
    meter: TokenMeter,
    *,
    waiting: Waiting | None = None,
) -> Iterator[Decoded]:
    """Yield the answers of a batch as they end: with a token of ``end``, a stop string, or the row's limit.

    Rows that are ``waiting`` behind it enter and are answered, too. ``seconds`` is the row's share of the wall time: a
    pass's time over the rows that were still going.
    """
    waiting = waiting or Waiting(rows)
    began = time.perf_counter()
    scores = steps.start([row.ids for row in rows])
    sampler = Sampler(rows, scores.device)
    slots: list[_Live | None] = [_Live(row) for row in rows]
    while True:
        chosen = sampler.choose(scores)
        tokens = chosen.tolist()
        spent = time.perf_counter() - began
        going = [(index, slot) for index, slot in enumerate(slots) if slot is not None]
        meter.passed(len(going))
        for index, slot in going:
            slot.tokens.append(tokens[index])
            slot.seconds += spent / len(going)
            if answer := _ended(slot, encoder, end):
                slots[index] = None
                steps.rest(index)
                meter.ended(slot.row.limit - len(slot.tokens))
                yield answer
        live = [index for index, slot in enumerate(slots) if slot is not None]
        began = time.perf_counter()
        entering = waiting.due(len(live), steps.refill_cost) if steps.refills else []
        if not live and not entering:
            return
        if steps.worth_dropping(len(live), len(slots), awaited=bool(entering) or (steps.refills and waiting.is_open)):
            steps.keep(live)
            sampler.keep(live)
            slots = [slots[index] for index in live]
            chosen = chosen[torch.tensor(live, dtype=torch.long, device=chosen.device)]
        scores = steps.step(chosen.clamp(min=0)) if live else scores[: len(slots)]
        if entering:
            empty = [index for index, slot in enumerate(slots) if slot is None]
            places = [*empty, *range(len(slots), len(slots) + len(entering))][: len(entering)]
            scores = placed(scores, places, steps.admit(places, [row.ids for row in entering]))
            sampler.admit(places, entering)
            slots += [None] * (len(scores) - len(slots))
            for place, row in zip(places, entering, strict=True):
                slots[place] = _Live(row)


def _ended(slot: _Live, encoder: Encoder, end: frozenset[int]) -> Decoded | None:
    """Return the answer if its last token ends it."""
    tokens, stops = slot.tokens, slot.row.request.rendered.stop
    if tokens[-1] < 0:
        return _answer(slot, None, "error")
    if tokens[-1] in end:
        return _answer(slot, cut(encoder.decode(tokens[:-1]), stops), "stop")
    if stops and any(stop in encoder.decode(tokens[-_TAIL:]) for stop in stops):
        return _answer(slot, cut(encoder.decode(tokens), stops), "stop")
    if len(tokens) >= slot.row.limit:
        return _answer(slot, cut(encoder.decode(tokens), stops), "length")
    return None


def _answer(slot: _Live, text: str | None, finish: FinishReason) -> Decoded:
    return Decoded(row=slot.row, tokens=tuple(slot.tokens), text=text, finish=finish, seconds=slot.seconds)


def cut(text: str, stops: Sequence[str]) -> str:
    """Return the text up to the first stop string.

    >>> cut("東京です。### 指示", ("###",))
    '東京です。'
    """
    for stop in stops:
        text = text.partition(stop)[0]
    return text
