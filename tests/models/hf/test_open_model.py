"""From a spec to a local model without loading a weight: what is chosen, and what cannot be asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, InputError, UnknownNameError, UsageError
from harness.models.hf import BASE_MODELS
from harness.models.hf.open_model import open_local
from harness.types import ModelSpec

SpecOf = Callable[..., ModelSpec]


def test_a_base_by_any_of_its_names_is_one_model(tiny: Path, spec_of: SpecOf) -> None:
    """And nothing is loaded to know it."""
    loads = BASE_MODELS.loads
    plain = open_local(spec_of("base", base=str(tiny)))
    assert plain.fingerprint == open_local(spec_of(f"hf:{tiny}")).fingerprint
    assert loads == BASE_MODELS.loads


def test_an_adapter_brings_its_base(tiny: Path, make_adapter: Callable[..., Path], spec_of: SpecOf) -> None:
    """That which it records, where nobody says another; without a contract that is noted."""
    folder = make_adapter(tiny, seed=11)
    model = open_local(spec_of(f"adapter:{folder}"))
    assert model.fingerprint == open_local(spec_of(f"adapter:{folder}", base=str(tiny))).fingerprint
    assert model.fingerprint != open_local(spec_of(f"hf:{tiny}")).fingerprint
    assert any("its training prompt is unknown" in notice for notice in model.notices())


@pytest.mark.parametrize("settings", [{"max_batch_rows": 1}, {"max_batch_tokens": 9}])
def test_the_size_of_batches_is_no_other_model(tiny: Path, spec_of: SpecOf, settings: dict[str, Any]) -> None:
    """Stored answers are served whatever it was."""
    assert (
        open_local(spec_of(f"hf:{tiny}")).fingerprint
        == open_local(spec_of(f"hf:{tiny}", settings=settings)).fingerprint
    )


def test_nf4_dequantized_at_load_is_said(tiny: Path, spec_of: SpecOf) -> None:
    """It is another way to the same values."""
    model = open_local(spec_of(f"hf:{tiny}", quantization="nf4", settings={"fast_dequantize": True}))
    assert any("nf4 weights were dequantized to float32 once at load" in notice for notice in model.notices())
    plain = open_local(spec_of(f"hf:{tiny}", quantization="nf4", settings={"fast_dequantize": False}))
    assert not any("dequantized" in notice for notice in plain.notices())


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_batch_row": 1}, UnknownNameError, r"No setting of \[models\.hf\] named 'max_batch_row'"),
        ({"max_batch_rows": 0}, UsageError, "max_batch_rows = 0 is not a positive whole number"),
        ({"max_batch_tokens": "many"}, UsageError, "max_batch_tokens = 'many'"),
    ],
)
def test_settings_that_cannot_be_meant(
    tiny: Path, spec_of: SpecOf, settings: dict[str, Any], error: type[HarnessError], message: str
) -> None:
    """Before anything is looked at."""
    with pytest.raises(error, match=message):
        open_local(spec_of(f"hf:{tiny}", settings=settings))


@pytest.mark.parametrize("spec", ["adapter:", "hf:", "gguf:"])
def test_nothing_after_the_colon(spec: str, spec_of: SpecOf) -> None:
    """With how it is written."""
    with pytest.raises(UsageError, match="names nothing after the colon") as caught:
        open_local(spec_of(spec))
    assert f"Write --model {spec}TARGET." == caught.value.hint


def test_a_folder_that_is_not_there(spec_of: SpecOf, tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(InputError, match="gone"):
        open_local(spec_of(f"hf:{tmp_path}/gone"))
