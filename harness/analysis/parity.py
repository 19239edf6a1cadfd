"""Whether another engine computes what the HF path computes: the verdict on two engines' numbers. Pure.

Equal means, for every model:

* the prompts are the same tokens, and the declared settings (base, adapter, dtype, quantisation) the same;
* the log-probabilities of the same texts differ by no more than `MULTIPLE` times what the HF path differs from itself
  by, with passes of another size and other kernels: in the mean and in the 99th percentile;
* where the greedy texts part for the first time, the HF path holds the two tokens for equal within the same bound: a
  wrong repetition penalty or end token shows here, of which log-probabilities know nothing;
* of each adapter's effect `SHARE` is reproduced, with its whole interval: an adapter that was lost lies at 0, one
  applied at half its strength at 0.5; and its numbers lie nearer to its own than to any other model's.

What the HF path differs from itself by is what rounding in another order comes to. An engine that rounds less (float32
against bfloat16) was measured at 1.5 to 1.7 times that, the same weights in nf4 at 40 times, on random models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from harness.engine.parity import ModelNumbers, Reference, ReferenceModel
from harness.protocols import ForcedAnswer
from harness.stats import Design
from harness.stats.parity import Gap, Way, gap, share_of_way

MULTIPLE = 3.0
"""How many times the HF path's own difference another engine may differ by."""
SHARE = (0.8, 1.25)
"""Between these lies the share of an adapter's effect that counts as all of it."""
FEWEST_TOKENS = 50
"""Under so many tokens of common texts nothing is certified."""
_NEARER = 0.5  # of the way to another model
_LOST = 0.25  # of an adapter's effect

Reason = Literal[
    "settings",
    "prompt",
    "not_numbers",
    "few_tokens",
    "difference",
    "tail",
    "greedy",
    "ended",
    "adapter_lost",
    "adapter_strength",
    "adapter_unclear",
    "other_model",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Where the greedy texts of one prompt part: the token's place from 0, and how much less the HF path scores it.

    ``gap``: between its best token there and the other engine's, at least, where ``is_far``: it is among none of the
    best.
    """

    prompt: int
    place: int
    gap: float
    is_far: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParity:
    """One model by both engines. ``mean``, ``p99``, ``largest``: absolute differences of log-probabilities, in nats.

    ``parted``: of how many prompts of those ``answered`` the greedy texts part; ``first`` is the earliest of them,
    ``worst`` that with the largest gap. Of an adapter: ``effect`` on the log-probabilities of the texts by the HF
    path and ``engine_effect`` by the other, in the mean, their ``correlation``, and the ``share`` of it that the other
    reproduces, with its interval.
    ``unlike``: settings that differ; ``nearer``: whose numbers these are instead; ``like``: models that these texts
    cannot tell it from. No ``reasons``: equal.
    """

    label: str
    n: int
    mean: float
    p99: float
    largest: float
    parted: int
    answered: int
    first: Parted | None = None
    worst: Parted | None = None
    effect: float | None = None
    engine_effect: float | None = None
    correlation: float | None = None
    share: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    unlike: tuple[str, ...] = ()
    nearer: str | None = None
    like: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What two engines make of the same models.

    ``floor_*``: the HF path against itself · ``limit_*``: what is allowed, all in nats but ``limit_greedy``, which is
    in units of scores.
    """

    engine: str
    prompts: int
    tokens: int
    floor_mean: float
    floor_p99: float
    limit_mean: float
    limit_p99: float
    limit_greedy: float
    models: tuple[ModelParity, ...]

    @property
    def equal(self) -> bool:
        """Whether every model is equal within the floor."""
        return not any(model.reasons for model in self.models)

    def document(self) -> dict[str, Any]:
        """Return it as plain values, with the verdict."""
        return {"verdict": "equal" if self.equal else "refused", **asdict(self)}


def engine_named(details: Mapping[str, Any]) -> str | None:
    """Return the engine that a model's details name; those of the HF path name a route and no engine.

    >>> engine_named({"route": "plain"}), engine_named({"route": "plain", "engine": "vllm 0.27.1"}), engine_named({})
    ('hf', 'vllm 0.27.1', None)
    """
    named = details.get("engine")
    return str(named) if named else ("hf" if "route" in details else None)


def certificate(
    engine: str,
    reference: Reference,
    found: Mapping[str, ModelNumbers],
    *,
    unlike: Mapping[str, Sequence[str]] | None = None,
) -> Certificate:
    """Return the verdict on an engine's numbers, of the models that it was asked for.

    ``unlike``: settings by model label in which the engine says that it differs.
    """
    names = [label for label in reference.models if label in found]
    floors = [gap(_flat(one.numbers.forced), _flat(one.alone)) for one in reference.models.values()]
    # on a machine that repeats itself bit for bit, rounding is what is left
    floor_mean = max(reference.resolution / 32, *(one.mean for one in floors))
    floor_p99 = max(reference.resolution / 8, *(one.p99 for one in floors))
    own = max(_own_gap(one) for one in reference.models.values())
    made = _Verdict(
        reference=reference,
        found=found,
        limit_mean=MULTIPLE * floor_mean,
        limit_p99=MULTIPLE * floor_p99,
        limit_greedy=MULTIPLE * max(floor_p99, own, reference.resolution / 2),  # two scores, each rounded
        unlike=unlike or {},
    )
    return Certificate(
        engine=engine,
        prompts=len(reference.texts),
        tokens=sum(map(len, reference.texts)),
        floor_mean=floor_mean,
        floor_p99=floor_p99,
        limit_mean=made.limit_mean,
        limit_p99=made.limit_p99,
        limit_greedy=made.limit_greedy,
        models=tuple(made.of(name) for name in names),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    reference: Reference
    found: Mapping[str, ModelNumbers]
    limit_mean: float
    limit_p99: float
    limit_greedy: float
    unlike: Mapping[str, Sequence[str]]

    def of(self, label: str) -> ModelParity:
        own, found = self.reference.models[label], self.found[label]
        base = next(iter(self.reference.models))
        values = _flat(found.forced)
        apart = gap(values, _flat(own.numbers.forced))
        parted, ended = _partings(found.greedy, own)
        reasons: list[Reason] = []
        reasons += ["settings"] if self.unlike.get(label) else []
        same = [one.prompt == other.prompt for one, other in zip(found.forced, own.numbers.forced, strict=True)]
        reasons += [] if all(same) else ["prompt"]
        reasons += self._too_far(apart)
        reasons += ["greedy"] if any(one.is_far or one.gap > self.limit_greedy for one in parted) else []
        reasons += ["ended"] if ended else []
        ways = {other: self._way(values, label, other) for other in self.reference.models if other != label}
        nearer = [name for name, way in ways.items() if name != base and way.low is not None and way.low > _NEARER]
        reasons += _adapter_reasons(ways[base]) if label != base else []
        reasons += ["other_model"] if nearer else []
        like = [other for other, way in ways.items() if _is_open(way) and other not in nearer]
        return ModelParity(
            label=label,
            n=apart.n,
            mean=apart.mean,
            p99=apart.p99,
            largest=apart.largest,
            parted=len(parted),
            answered=len(own.numbers.greedy),
            first=min(parted, key=lambda one: one.place, default=None),
            worst=max(parted, key=lambda one: one.gap, default=None),
            **({} if label == base else self._effects(values, label, base, ways[base])),
            unlike=tuple(self.unlike.get(label, ())),
            nearer=nearer[0] if nearer else None,
            like=tuple(like),
            reasons=tuple(reasons),
        )

    def _too_far(self, apart: Gap) -> list[Reason]:
        far: list[Reason] = ["difference"] if apart.mean > self.limit_mean else []
        far += ["tail"] if apart.p99 > self.limit_p99 else []
        far += ["not_numbers"] if apart.n_missing else []
        return [*far, "few_tokens"] if apart.n < FEWEST_TOKENS else far

    def _way(self, values: np.ndarray, label: str, other: str) -> Way:
        """Return how far the engine's numbers of a model are on the way from its own to another's."""
        own, far = self.reference.models[label], self.reference.models[other]
        start, end = ((_flat(one.numbers.forced), _flat(one.alone)) for one in (own, far))
        clusters = [prompt for prompt, text in enumerate(self.reference.texts) for _ in text]
        return share_of_way(np.where(np.isfinite(values), values, np.nan), start, end, Design(clusters=clusters))

    def _effects(self, values: np.ndarray, label: str, base: str, way: Way) -> dict[str, float | None]:
        own, far = (_flat(self.reference.models[name].numbers.forced) for name in (label, base))
        engine = values - (_flat(self.found[base].forced) if base in self.found else np.nan)
        known = np.isfinite(engine)
        varies = known.sum() > 1 and np.ptp(engine[known]) > 0 and np.ptp((own - far)[known]) > 0
        return {
            "effect": float(np.abs(own - far).mean()) if own.size else 0.0,
            "engine_effect": float(np.abs(engine[known]).mean()) if known.any() else None,
            "correlation": float(np.corrcoef((own - far)[known], engine[known])[0, 1]) if varies else None,
            "share": None if way.value is None else 1 - way.value,
            "share_low": None if way.high is None else 1 - way.high,
            "share_high": None if way.low is None else 1 - way.low,
        }


def _flat(forced: Sequence[ForcedAnswer]) -> np.ndarray:
    return np.array([value for one in forced for value in one.values], dtype=np.float64)


def _is_open(way: Way) -> bool:
    """Return whether a model may be another as well as itself, for all that the texts tell."""
    return way.low is None or way.high is None or way.low <= _NEARER <= way.high


def _adapter_reasons(way: Way) -> list[Reason]:
    """Return what is wrong with an adapter, by how far its numbers are on the way back to the base's."""
    if way.low is None or way.high is None:
        return ["adapter_unclear"]
    low, high = 1 - way.high, 1 - way.low
    if SHARE[0] <= low and high <= SHARE[1]:
        return []
    if high < _LOST:
        return ["adapter_lost"]
    return ["adapter_strength"] if high < SHARE[0] or low > SHARE[1] else ["adapter_unclear"]


def _own_gap(model: ReferenceModel) -> float:
    """Return how far the reference's own greedy tokens are from the best of a single pass."""
    return max(
        (
            place[0][1] - dict(place).get(token, place[-1][1])
            for tokens, places in zip(model.numbers.greedy, model.leaders, strict=True)
            for token, place in zip(tokens, places, strict=True)
        ),
        default=0.0,
    )


def _partings(greedy: Sequence[Sequence[int]], own: ReferenceModel) -> tuple[list[Parted], bool]:
    """Return where greedy texts part, and whether one ends where the other goes on."""
    found, ended = [], False
    for prompt, (tokens, text, places) in enumerate(zip(greedy, own.numbers.greedy, own.leaders, strict=True)):
        common = min(len(tokens), len(text))
        place = next((at for at in range(common) if tokens[at] != text[at]), None)
        if place is None:
            ended = ended or len(tokens) != len(text)
            continue
        leaders = dict(places[place])
        is_far = tokens[place] not in leaders
        apart = places[place][0][1] - leaders.get(tokens[place], places[place][-1][1])
        found.append(Parted(prompt=prompt, place=place, gap=apart, is_far=is_far))
    return found, ended
