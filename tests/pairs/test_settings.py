"""The table of judges of pairs."""

import pytest

from harness.codec import decode
from harness.errors import InputError
from harness.pairs.settings import PairSettings


def test_unset_leaves_the_usual() -> None:
    """A rubric and pairs are chosen elsewhere."""
    assert decode(PairSettings, {}, where="t") == PairSettings(rubric=None, pairs=None)


def test_a_misspelt_key_is_named() -> None:
    """Nothing is passed over in silence."""
    with pytest.raises(InputError, match="rubrik"):
        decode(PairSettings, {"rubrik": "pair.v1"}, where="[judges.pairwise]")
