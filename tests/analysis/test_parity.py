"""The certificate: an honest engine gets it, and each fault that is planted in one is caught by its name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.analysis.parity import Certificate, certificate
from harness.engine.parity import ModelNumbers, Questions, Reference, ReferenceModel, measure_engine, measure_reference
from harness.protocols import ForcedAnswer
from harness.types import Message, ModelSpec, RenderedPrompt, Sampling

TEXTS = (
    "日本の首都は？",
    "猫について三つ挙げてください。",
    "はい",
    "hello world",
    "以下は",
    "速い狐",
    "三つ",
    "静かです。",
)
QUESTIONS = Questions(
    prompts=tuple(
        RenderedPrompt(messages=(Message(role="user", content=f"### 指示\n{text}\n### 回答\n"),)) for text in TEXTS
    ),
    sampling=Sampling(max_new_tokens=12),
)


def opened(model: Path, adapter: Path | None = None, dtype: str = "float32", quantization: str = "none") -> Any:
    from harness.models.hf import open_local

    backend, target = ("hf", model) if adapter is None else ("adapter", adapter)
    spec = ModelSpec(
        text=backend, label=backend, backend=backend, target=str(target), dtype=dtype, quantization=quantization
    )
    return open_local(spec)


@pytest.fixture(scope="module")
def folders(make_tiny: Callable[..., Path], make_adapter: Callable[..., Path]) -> Mapping[str, Path]:
    """A tiny Llama with two adapters."""
    model = make_tiny("certified")
    return {"base": model, "one": make_adapter(model, seed=1), "two": make_adapter(model, seed=2)}


@pytest.fixture(scope="module")
def models(folders: Mapping[str, Path]) -> Mapping[str, Any]:
    """They, by the HF path."""
    base = folders["base"]
    return {label: opened(base, None if label == "base" else folder) for label, folder in folders.items()}


@pytest.fixture(scope="module")
def reference(models: Mapping[str, Any]) -> Reference:
    """Their numbers by the HF path."""
    return measure_reference(models, QUESTIONS)


@pytest.fixture(scope="module")
def certify(models: Mapping[str, Any], reference: Reference) -> Callable[..., Certificate]:
    """Return a function that certifies an engine with a fault: other weights by label, prompts or sampling changed."""
    from tests.second_engine import Second

    def certify(instead: Mapping[str, Any] | None = None, **planted: Any) -> Certificate:
        engines = {label: Second(model, (instead or {}).get(label), **planted) for label, model in models.items()}
        return certificate("other 1.0", reference, measure_engine(engines, QUESTIONS, reference))

    return certify


def reasons(found: Certificate) -> dict[str, tuple[str, ...]]:
    return {model.label: model.reasons for model in found.models}


def test_an_honest_engine_is_equal(certify: Callable[..., Certificate]) -> None:
    """Other kernels for attention: apart by rounding alone, and each adapter's effect is there."""
    found = certify()
    assert found.equal, reasons(found)
    assert 0 < found.models[0].mean < found.limit_mean < 1e-4
    for model in found.models[1:]:
        assert model.effect == pytest.approx(model.engine_effect, rel=1e-3)
        assert model.correlation == pytest.approx(1, abs=1e-6)
        assert model.share == pytest.approx(1, abs=1e-3)
        assert (None, ()) == (model.nearer, model.like)


def test_an_adapter_that_is_silently_not_applied_is_caught(
    certify: Callable[..., Certificate], models: Mapping[str, Any]
) -> None:
    """It alone, by its name, and by its share of nothing."""
    found = certify({"one": models["base"]})
    assert "adapter_lost" in reasons(found)["one"]
    assert found.models[1].share == pytest.approx(0, abs=1e-3)
    assert () == reasons(found)["base"] == reasons(found)["two"]


def test_the_weights_of_another_adapter_are_caught(
    certify: Callable[..., Certificate], models: Mapping[str, Any]
) -> None:
    """Whose they are is said; a base that an adapter was left on is one of those."""
    found = certify({"one": models["two"]})
    assert "other_model" in reasons(found)["one"]
    assert "two" == found.models[1].nearer
    found = certify({"base": models["one"]})
    assert "other_model" in reasons(found)["base"]
    assert "one" == found.models[0].nearer


@pytest.mark.parametrize(("dtype", "quantization"), [("bfloat16", "none"), ("float32", "nf4")])
def test_another_dtype_and_another_quantization_are_caught(
    certify: Callable[..., Certificate], folders: Mapping[str, Path], dtype: str, quantization: str
) -> None:
    """In every model, in the mean and in the tail."""
    base = folders["base"]
    other = {
        label: opened(base, None if label == "base" else folder, dtype, quantization)
        for label, folder in folders.items()
    }
    found = certify(other)
    assert all({"difference", "tail"} <= set(said) for said in reasons(found).values())


def test_an_adapter_at_half_its_strength_is_caught(
    certify: Callable[..., Certificate], folders: Mapping[str, Path], tmp_path: Path, set_config: Callable[..., None]
) -> None:
    """As an engine that reads lora_alpha otherwise would apply it."""
    import shutil

    half = Path(shutil.copytree(folders["one"], tmp_path / "half"))
    set_config(half, lora_alpha=4)
    found = certify({"one": opened(folders["base"], half)})
    assert found.models[1].share == pytest.approx(0.5, abs=0.2)
    assert {"adapter_strength", "difference"} <= set(reasons(found)["one"])


def test_a_missing_beginning_of_sequence_is_caught(certify: Callable[..., Certificate]) -> None:
    """By the tokens that the engine says it read."""
    assert all("prompt" in said for said in reasons(certify(prompt={"bos": "never"})).values())


def test_a_wrong_repetition_penalty_is_caught(certify: Callable[..., Certificate]) -> None:
    """By the greedy texts alone: no log-probability knows of it."""
    found = certify(sampling={"repetition_penalty": 1.0})
    assert all(("greedy",) == said for said in reasons(found).values())
    worst = found.models[0].worst
    assert worst is not None
    assert worst.gap > found.limit_greedy


def test_answers_that_end_otherwise_are_caught(certify: Callable[..., Certificate]) -> None:
    """The engine stops where the HF path goes on."""
    assert all("ended" in said for said in reasons(certify(sampling={"max_new_tokens": 5})).values())


def test_settings_that_the_engine_declares_otherwise_are_a_reason_of_their_own(
    models: Mapping[str, Any], reference: Reference
) -> None:
    """A dtype finer than the reference's shows in no figure, so it is asked for."""
    found = certificate(
        "other", reference, {label: one.numbers for label, one in reference.models.items()}, unlike={"one": ["dtype"]}
    )
    assert {"base": (), "one": ("settings",), "two": ()} == reasons(found)
    assert ("dtype",) == found.models[1].unlike


def made(values: np.ndarray, greedy: tuple[tuple[int, ...], ...] = ((1,),) * 8) -> ModelNumbers:
    forced = tuple(ForcedAnswer(prompt=(0,), values=tuple(row)) for row in values.tolist())
    return ModelNumbers(forced=forced, greedy=greedy)


def by_hand(effect: float, noise: float, tokens: int = 16) -> tuple[Reference, Callable[[float], ModelNumbers]]:
    """A base and an adapter in numbers drawn by hand: each measurement with noise of its own."""
    generator = np.random.default_rng(3)
    base = generator.normal(-2, 1, (8, tokens))
    tuned = base + generator.normal(0, effect, base.shape)

    def seen(values: np.ndarray) -> np.ndarray:
        return values + generator.normal(0, noise, values.shape)

    leaders = ((((1, 2.0), (2, 1.9)),),) * 8
    models = {
        label: ReferenceModel(numbers=made(seen(values)), alone=made(seen(values)).forced, leaders=leaders)
        for label, values in (("base", base), ("tuned", tuned))
    }
    reference = Reference(texts=((1,) * tokens,) * 8, models=models, resolution=0.0)
    return reference, lambda share: made(seen(base + share * (tuned - base)))


def test_an_adapter_whose_effect_drowns_in_rounding_is_not_certified() -> None:
    """Nor is it called lost: these texts cannot tell."""
    reference, engine = by_hand(effect=0.02, noise=0.1)
    found = certificate("other", reference, {"base": engine(0), "tuned": engine(1)})
    assert {"base": (), "tuned": ("adapter_unclear",)} == reasons(found)
    assert ("tuned",) == found.models[0].like


@pytest.mark.parametrize(("share", "said"), [(1.0, ()), (0.0, ("adapter_lost",)), (0.6, ("adapter_strength",))])
def test_a_lost_adapter_is_caught_where_no_difference_is_out_of_bounds(share: float, said: tuple[str, ...]) -> None:
    """The effect is as small as the noise, and below the limit: the share still tells, from 8 x 60 tokens."""
    reference, engine = by_hand(effect=0.1, noise=0.04, tokens=60)
    found = certificate("other", reference, {"base": engine(0), "tuned": engine(share)})
    assert found.models[1].mean < found.limit_mean
    assert {"base": (), "tuned": said} == reasons(found)


def test_too_few_tokens_certify_nothing_and_no_number_passes_for_one() -> None:
    """48 tokens, and a score that is no number."""
    reference, engine = by_hand(effect=1, noise=0.01, tokens=6)
    assert all(
        "few_tokens" in said
        for said in reasons(certificate("other", reference, {"base": engine(0), "tuned": engine(1)})).values()
    )
    broken = engine(1)
    first = replace(broken.forced[0], values=(float("nan"), *broken.forced[0].values[1:]))
    found = certificate(
        "other", reference, {"base": engine(0), "tuned": replace(broken, forced=(first, *broken.forced[1:]))}
    )
    assert "not_numbers" in found.models[1].reasons


@pytest.mark.parametrize(("token", "is_far", "said"), [(2, False, ()), (7, True, ("greedy",))])
def test_where_greedy_texts_part_the_gap_decides(token: int, is_far: bool, said: tuple[str, ...]) -> None:
    """A near tie may fall either way; a token among none of the best may not."""
    reference, engine = by_hand(effect=1, noise=0.05)
    values = engine(0)
    parted = replace(values, greedy=((token,), *values.greedy[1:]))
    found = certificate("other", reference, {"base": parted, "tuned": engine(1)}).models[0]
    assert said == found.reasons
    assert found.first is not None
    assert (0, 0, 0.1, is_far) == (found.first.prompt, found.first.place, round(found.first.gap, 6), found.first.is_far)


def test_a_model_that_begins_two_answers_is_judged_by_them_and_by_the_texts_that_it_was_given(
    models: Mapping[str, Any], folders: Mapping[str, Path]
) -> None:
    """It says of how many answers it is; another's weights are seen all the same."""
    from tests.second_engine import Second

    questions = replace(QUESTIONS, adapters=1)
    few = measure_reference(models, questions)
    engines = {label: Second(model, models["one"] if label == "two" else None) for label, model in models.items()}
    found = certificate("other 1.0", few, measure_engine(engines, questions, few))
    assert [8, 8, 2] == [model.answered for model in found.models]
    assert [False, False, True] == ["other_model" in model.reasons for model in found.models]


def test_a_document_holds_the_verdict_and_plain_values() -> None:
    """As results.json and --json have it."""
    import json

    reference, engine = by_hand(effect=1, noise=0.05)
    document = certificate("other", reference, {"base": engine(0), "tuned": engine(1)}).document()
    assert "equal" == document["verdict"]
    assert document == json.loads(json.dumps(document)) | {"models": document["models"]}


def test_an_adapter_alone_is_held_against_its_base_all_the_same(models: Mapping[str, Any]) -> None:
    """The base is no row of the certificate, and a lost adapter is caught."""
    from tests.second_engine import Second

    reference = measure_reference({"one": models["one"]}, QUESTIONS)
    for instead, said in ((None, ()), (models["base"], ("adapter_lost",))):
        engine = {"one": Second(models["one"], instead)}
        (found,) = certificate("other", reference, measure_engine(engine, QUESTIONS, reference)).models
        assert set(said) <= set(found.reasons)
        assert bool(found.reasons) == bool(said)
        assert (found.engine_effect, found.correlation) == (None, None)
