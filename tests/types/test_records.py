"""The records as a whole, by their public names."""

import dataclasses

import pytest

from harness import types

RECORDS = [one for one in vars(types).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_is_frozen_slotted_and_keyword_only(record: type) -> None:
    """So that no plugin changes what another one reads, or swaps two fields."""
    parameters = record.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))


def test_the_records_stand_under_one_name() -> None:
    """A plugin imports them from there, whichever file they are in; nothing is left out by mistake."""
    files = (types.answers, types.asked, types.prompts, types.samples, types.scale)
    own = {
        name for file in files for name, one in vars(file).items() if getattr(one, "__module__", "") == file.__name__
    }
    assert set(types.__all__) >= {name for name in own if not name.startswith("_")}
    assert len(RECORDS) > 15
