"""The body of `harness train`: what it says once an adapter is trained; `test_train.py` runs it as a whole."""

from typing import Any

import pytest

from harness.cli.training import _differing_numerics
from tests.trainers.adapter_folders import record_of


@pytest.mark.parametrize(
    ("changes", "double", "expected"),
    [
        ({"quantization": "none", "device": "cpu"}, False, None),
        ({"device": "NVIDIA L4"}, False, None),
        ({"device": "cpu"}, False, "--quantization nf4"),
        ({"recipe": {"double_quant": True}}, False, "with double_quant"),
        ({"recipe": {"double_quant": True}}, True, None),
    ],
)
def test_evaluation_that_computes_otherwise_is_told_of(
    changes: dict[str, Any], double: bool, expected: str | None
) -> None:
    """Unquantised weights on a CPU, and scales that are or are not quantised: only where they differ."""
    told = _differing_numerics(record_of(**changes), {"double_quant": double})
    assert (expected is None) == (told is None)
    assert (expected or "") in (told or "")
