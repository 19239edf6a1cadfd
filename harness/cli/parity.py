"""``harness doctor --parity``: whether another engine computes what transformers does, with the figures."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.parity import Certificate, ModelParity
from harness.cli.door import opened
from harness.cli.say import say
from harness.cli.table import table
from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import UsageError
from harness.locale import joined, tr
from harness.protocols import ModelBackend, SecondEngine
from harness.runs.assemble import open_model, open_task
from harness.runs.engines import on_one_engine
from harness.runs.parity import BUNDLED, NEW_TOKENS, PROMPTS, certify, keep, questions_of
from harness.runs.parity_text import reason_texts
from harness.specs import DEFAULT_PROMPT, Config, check_labels, parse_model, parse_task
from harness.templates import load_template
from harness.types import PlannedTask, Request, Sampling

_INVARIANT = "VLLM_BATCH_INVARIANT"
_CAPABILITY = 9  # compute capability from which on vLLM has kernels that give the same bits in any batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared, and on which prompts; None where the defaults hold."""

    models: Sequence[str]
    engine: str = "vllm"
    base: str | None = None
    quantization: str | None = None
    dtype: str | None = None
    task: str | None = None
    prompt: str | None = None
    limit: int = PROMPTS


def parity(settings: Config, *, as_json: bool, **options: Any) -> int:  # noqa: ANN401 - click's values: see `Asked`
    """Print the certificates of an engine; return 0 where every model is equal, else 1.

    Raises:
        UsageError: no model is named, or one of them has no other engine.
        HarnessError: a model cannot be loaded, or a prompt cannot be encoded.
    """
    asked = Asked(**options)
    _ask_for_the_same_bits()
    requests = _requests(asked, settings)
    models = _second_engines(asked, settings, requests)
    found = certify(models, questions_of(requests, most=asked.limit))
    for one in found:
        keep(one, models)
    say(json.dumps([one.document() for one in found], ensure_ascii=False, indent=2) if as_json else _text(found))
    return 0 if all(one.equal for one in found) else 1


def _ask_for_the_same_bits() -> None:
    """Have vLLM take its batch-invariant kernels where there are any, unless the user said otherwise.

    It reads the variable when it is imported; on other devices it would refuse to start with it.
    """
    torch = opened("torch")
    if torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= _CAPABILITY:
        os.environ.setdefault(_INVARIANT, "1")


def _second_engines(asked: Asked, settings: Config, requests: Sequence[Request]) -> dict[str, SecondEngine]:
    if not asked.models:
        raise UsageError(
            tr("--parity names no model."), hint=tr("For example: harness doctor --parity base adapter:adapters/mine")
        )
    models: dict[str, ModelBackend] = {}
    for text in asked.models:
        spec = parse_model(
            text,
            settings,
            base=asked.base,
            quantization=asked.quantization,
            dtype=asked.dtype,
            engine=asked.engine,
        )
        made = open_model(spec)
        check_labels([*models, *made])
        models.update(made)
    chosen, said = on_one_engine(models, requests)
    found = {label: model for label, model in chosen.items() if isinstance(model, SecondEngine)}
    if others := [label for label in models if label not in found]:
        raise UsageError(
            tr("{label!r} is answered by transformers, or elsewhere: there is nothing to compare.", label=others[0]),
            hint=joined(said, " ") if said else tr("Name base, hf: or adapter: models that vLLM can answer for."),
        )
    return found


def _requests(asked: Asked, settings: Config) -> list[Request]:
    """Return the first prompts of a task set, as an evaluation would ask them."""
    task = parse_task(asked.task or BUNDLED, settings)
    samples = open_task(task)[: asked.limit]
    sampling = Sampling(
        max_new_tokens=NEW_TOKENS,
        repetition_penalty=settings.generation.repetition_penalty or Sampling().repetition_penalty,
    )
    return plan_requests(
        [PlannedTask(name=task.name, samples=samples)],
        [PlannedModel(label="", fingerprint="")],
        [load_template(asked.prompt or settings.prompt or DEFAULT_PROMPT)],
        sampling=sampling,
    )


def _text(found: Sequence[Certificate]) -> str:
    return "\n\n".join(_certificate(one) for one in found)


def _certificate(found: Certificate) -> str:
    headers = [
        *(tr("model"), tr("verdict"), tr("mean difference"), tr("99th percentile"), tr("greedy texts part")),
        *(tr("adapter's effect"), tr("reproduced")),
    ]
    lines = [
        tr(
            "{engine} against transformers, {prompts} prompts, {tokens} tokens of log-probabilities (nats)",
            engine=found.engine,
            prompts=found.prompts,
            tokens=found.tokens,
        ),
        "",
        table([_row(model) for model in found.models], headers),
        "",
        tr(
            "transformers against itself: mean {mean:.2g}, 99th percentile {p99:.2g}. Allowed is three times that: "
            "{limit_mean:.2g} and {limit_p99:.2g}; where greedy texts part, a gap of {limit_greedy:.2g} in score.",
            mean=found.floor_mean,
            p99=found.floor_p99,
            limit_mean=found.limit_mean,
            limit_p99=found.limit_p99,
            limit_greedy=found.limit_greedy,
        ),
        *(
            tr("{label}: {reason}.", label=model.label, reason=reason)
            for model in found.models
            for reason in reason_texts(model, found)
        ),
        *(
            tr("{label}: these texts cannot tell it from {names}.", label=model.label, names=", ".join(model.like))
            for model in found.models
            if model.like
        ),
    ]
    return "\n".join(lines)


def _row(model: ModelParity) -> list[str]:
    parted = tr("{n} of {of}", n=model.parted, of=model.answered)
    if model.first is not None and model.worst is not None:
        parted = tr(
            "{n} of {of}, first at token {place}, gap {gap:.2g}",
            n=model.parted,
            of=model.answered,
            place=model.first.place + 1,
            gap=model.worst.gap,
        )
    return [
        model.label,
        tr("not certified") if model.reasons else tr("certified"),
        f"{model.mean:.2g}",
        f"{model.p99:.2g}",
        parted,
        *_effect(model),
    ]


def _effect(model: ModelParity) -> tuple[str, str]:
    """Return an adapter's effect by both engines with their correlation, and how much of it is reproduced."""
    if model.effect is None:
        return "–", "–"
    both = [f"{value:.3g}" for value in (model.effect, model.engine_effect) if value is not None]
    effect = " / ".join(both) + ("" if model.correlation is None else f", r {model.correlation:.3f}")
    if model.share is None or model.share_low is None or model.share_high is None:
        return effect, "–"
    return effect, f"{round(100 * model.share)} % ({round(100 * model.share_low)}–{round(100 * model.share_high)})"
