"""Why an engine is not equal to the HF path, in words with the figures."""

from collections.abc import Callable, Mapping

from harness.analysis.parity import FEWEST_TOKENS, SHARE, Certificate, ModelParity, Reason
from harness.locale import Text, tr


def reason_texts(model: ModelParity, found: Certificate) -> list[Text]:
    """Return the reasons why a model is refused, none for one that is equal."""
    return [_WORDS[reason](model, found) for reason in model.reasons]


def _percent(share: float | None) -> str:
    return f"{round(100 * (share or 0.0))} %"


_WORDS: Mapping[Reason, Callable[[ModelParity, Certificate], Text]] = {
    "settings": lambda model, _: tr("it declares other settings ({names})", names=", ".join(model.unlike)),
    "prompt": lambda _, __: tr(
        "it reads other tokens of the same prompt: a beginning-of-sequence token, or another tokenizer"
    ),
    "not_numbers": lambda _, __: tr("some of its log-probabilities are not numbers"),
    "few_tokens": lambda model, _: tr(
        "only {n} tokens could be compared, and it takes {fewest}", n=model.n, fewest=FEWEST_TOKENS
    ),
    "difference": lambda model, found: tr(
        "log-probabilities differ by {mean:.2g} in the mean, and transformers' own noise allows {limit:.2g}",
        mean=model.mean,
        limit=found.limit_mean,
    ),
    "tail": lambda model, found: tr(
        "one log-probability in a hundred differs by {p99:.2g} or more, and transformers' own noise allows {limit:.2g}",
        p99=model.p99,
        limit=found.limit_p99,
    ),
    "greedy": lambda model, found: tr(
        "it chooses a token that transformers scores {gap:.2g} lower than its own, where {limit:.2g} is noise: another "
        "repetition penalty, or another model",
        gap=0.0 if model.worst is None else model.worst.gap,
        limit=found.limit_greedy,
    ),
    "ended": lambda _, __: tr("its answers end where those of transformers go on, or the other way round"),
    "adapter_lost": lambda model, _: tr(
        "the adapter is not applied: {share} of its effect is there", share=_percent(model.share)
    ),
    "adapter_strength": lambda model, _: tr(
        "the adapter is applied with {share} of its effect", share=_percent(model.share)
    ),
    "other_model": lambda model, _: tr("its numbers are those of {nearer!r}", nearer=model.nearer),
    "adapter_unclear": lambda model, _: tr(
        "whether the adapter is applied cannot be told from so few prompts: its effect ({effect:.2g}) is small beside "
        "the engines' noise, and between {low} and {high} of it must be certain",
        effect=model.effect or 0.0,
        low=_percent(SHARE[0]),
        high=_percent(SHARE[1]),
    ),
}
