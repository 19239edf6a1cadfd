"""From scores to tokens: repetition penalty, then the best token or a drawn one, each row on its own.

Nothing here depends on which other rows are in the batch: padding is never penalised, and every row draws from its own
stream, seeded by its request.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from harness.models.hf.batching import BatchRow
from harness.models.hf.refilling import placed


class Sampler:
    """Chooses the next token of every row of a batch.

    The repetition penalty is that of CTRL (Keskar et al. 2019, arXiv:1909.05858): the scores of all tokens that occur
    in prompt or answer are divided by it if positive, multiplied if negative. Ties go to the lower token id.
    """

    def __init__(self, rows: Sequence[BatchRow], device: torch.device) -> None:
        self._counts = [len(row.ids) for row in rows]
        self._seen = _seen(rows, max(self._counts), device)
        self._penalty = torch.tensor([[row.request.sampling.repetition_penalty] for row in rows], device=device)
        self._penalised = any(row.request.sampling.repetition_penalty != 1 for row in rows)
        self._temperature = torch.tensor([[row.request.sampling.temperature] for row in rows], device=device)
        self._drawn = any(row.request.sampling.temperature > 0 for row in rows)
        self._streams = [np.random.default_rng(_seed(row)) for row in rows]

    @torch.inference_mode()
    def choose(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the next token ids, shape (rows,), for scores of shape (rows, vocabulary), and remember them.

        A row whose scores are not numbers (float16 that overflowed) gets -1.
        """
        scores = self.adjusted(logits)
        tokens = scores.argmax(dim=-1)  # of a NaN if there is one
        broken = ~scores.gather(1, tokens[:, None]).squeeze(1).isfinite()
        if self._drawn:
            tokens = torch.where(self._temperature.squeeze(1) > 0, self._draw(scores), tokens)
        if self._penalised:
            self._seen = torch.cat([self._seen, tokens[:, None]], dim=1)
            self._counts = [count + 1 for count in self._counts]
        return tokens.masked_fill(broken, -1)

    @torch.inference_mode()
    def adjusted(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the scores in float32 with the repetition penalty applied."""
        scores = logits.to(torch.float32, copy=True)
        if self._penalised:
            values = scores.gather(1, self._seen)
            values = torch.where(values < 0, values * self._penalty, values / self._penalty)
            scores.scatter_(1, self._seen, values)
        return scores

    @torch.inference_mode()
    def keep(self, index: Sequence[int]) -> None:
        """Forget all rows but these."""
        chosen = torch.tensor(index, dtype=torch.long, device=self._seen.device)
        self._seen = self._seen[chosen]
        self._penalty = self._penalty[chosen]
        self._temperature = self._temperature[chosen]
        self._streams = [self._streams[row] for row in index]
        self._counts = [self._counts[row] for row in index]

    @torch.inference_mode()
    def admit(self, places: Sequence[int], rows: Sequence[BatchRow]) -> None:
        """Forget what was at these places, and choose for other rows there; places behind the last are new."""
        own = Sampler(rows, self._seen.device)
        total = max(len(self._counts), *(place + 1 for place in places))
        taken = dict(zip(places, range(len(rows)), strict=True))
        self._streams = [own._streams[taken[row]] if row in taken else self._streams[row] for row in range(total)]
        self._counts = [own._counts[taken[row]] if row in taken else self._counts[row] for row in range(total)]
        self._penalty = placed(self._penalty, places, own._penalty)
        self._temperature = placed(self._temperature, places, own._temperature)
        width = max(self._counts)  # what only rows had that are gone is cut off: the penalty is as fast as before
        self._seen = placed(_fitted(self._seen, width), places, _seen(rows, width, self._seen.device))
        self._penalised = self._penalised or own._penalised
        self._drawn = self._drawn or own._drawn

    def _draw(self, scores: torch.Tensor) -> torch.Tensor:
        """Return a token for each row, drawn by inverting its cumulative distribution at one uniform number."""
        heat = torch.where(self._temperature > 0, self._temperature, 1)
        cumulative = (scores.double() / heat).softmax(dim=-1).cumsum(dim=-1)
        uniform = torch.tensor(
            [[stream.random()] for stream in self._streams], dtype=torch.float64, device=scores.device
        )
        drawn = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
        return drawn.clamp(max=scores.shape[-1] - 1).squeeze(1)


def _seen(rows: Sequence[BatchRow], width: int, device: torch.device) -> torch.Tensor:
    """Return the tokens of the prompts, each filled up in front with one of its own."""
    return torch.tensor([[row.ids[0]] * (width - len(row.ids)) + list(row.ids) for row in rows], device=device)


def _fitted(seen: torch.Tensor, width: int) -> torch.Tensor:
    """Return the last columns, or more of the first, which is a token of the row's own as all are."""
    missing = max(0, width - seen.shape[1])
    return torch.cat([seen[:, :1].expand(-1, missing), seen[:, seen.shape[1] - (width - missing) :]], dim=1)


def penalised(scores: torch.Tensor, seen: Sequence[int], penalty: float) -> torch.Tensor:
    """Return the scores of one place, shape (vocabulary,), with the repetition penalty on the tokens that were seen.

    >>> penalised(torch.tensor([2.0, -1.0, 3.0]), [0, 1, 1], 2.0).tolist()
    [1.0, -2.0, 3.0]
    """
    found = scores.to(torch.float32, copy=True)
    tokens = torch.tensor(sorted(set(seen)), device=scores.device)
    values = found[tokens]
    found[tokens] = torch.where(values < 0, values * penalty, values / penalty)
    return found


def _seed(row: BatchRow) -> int:
    request = row.request
    text = f"{request.key}:{request.sampling.seed}:{request.repeat}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
