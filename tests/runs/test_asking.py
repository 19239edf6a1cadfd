"""From options to what is asked for: defaults, the configuration, and what cannot be asked."""

from typing import Any

import pytest

from harness.errors import UsageError
from harness.runs.asking import evaluation_spec
from harness.specs import Config, GenerationConfig
from harness.types import Sampling

PLAIN: dict[str, Any] = {
    "models": ("echo",),
    "tasks": ("bundled:ja-mini",),
    "judges": ("rules",),
    "prompts": (),
    "baseline": None,
    "base": None,
    "rubric": None,
    "repeats": 1,
    "judge_repeats": 1,
    "limit": None,
    "confidence": 0.95,
    "max_new_tokens": None,
    "temperature": None,
    "repetition_penalty": None,
    "seed": None,
    "quantization": None,
    "dtype": None,
}


def test_an_option_counts_more_than_the_configuration_and_that_more_than_the_defaults() -> None:
    """Each on its own."""
    config = Config(prompt="plain.v1", generation=GenerationConfig(max_new_tokens=9, seed=4))
    spec = evaluation_spec(config, **PLAIN | {"seed": 5})
    assert (("plain.v1",), Sampling(max_new_tokens=9, seed=5), 5) == (spec.prompts, spec.sampling, spec.seed)
    spec = evaluation_spec(Config(), **PLAIN | {"prompts": ("chat.v1",)})
    assert (("chat.v1",), Sampling()) == (spec.prompts, spec.sampling)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ()}, "no --model was given"),
        ({"judges": ()}, "no --judge was given"),
        ({"tasks": ("bundled:ja-mini", "bundled:ja-mini")}, "--task 'bundled:ja-mini' was given twice"),
        ({"judges": ("reference", "reference")}, "--judge 'reference' was given twice"),
        ({"prompts": ("chat.v1", "chat.v1")}, "--prompt 'chat.v1' was given twice"),
        ({"models": ("echo", "echo")}, "Two models are labelled 'echo'"),
    ],
)
def test_what_is_missing_or_there_twice_is_named(options: dict[str, Any], message: str) -> None:
    """Before anything is opened."""
    with pytest.raises(UsageError, match=message):
        evaluation_spec(Config(), **PLAIN | options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("echo", {"engine": "vllm"}),
        ("echo", {"engine": "hf"}),
        ("outputs:a.csv", {"dtype": "float16"}),
        ("openai:m", {"quantization": "nf4"}),
    ],
)
def test_a_flag_that_no_model_reads_is_refused(model: str, options: dict[str, Any]) -> None:
    """It would change nothing, in silence; beside a model that is loaded here it stands."""
    [(key, value)] = options.items()
    with pytest.raises(UsageError, match=f"--{key} {value} changes nothing here.*{model}"):
        evaluation_spec(Config(), **PLAIN | {"models": (model,)} | options)
    evaluation_spec(Config(), **PLAIN | {"models": (model, "embedded:m")} | options)
    evaluation_spec(Config(), **PLAIN | {"models": (model,), "engine": "auto"})
    assert "engine" not in evaluation_spec(Config(engine="vllm"), **PLAIN | {"models": (model,)}).models[0].settings
