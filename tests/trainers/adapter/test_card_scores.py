"""The section of scores in a card."""

import os
from pathlib import Path
from typing import Any

from tests.trainers.adapter_folders import contract_of, record_of
from trainers.adapter.card import card_text
from trainers.adapter.training_record import TrainingRecord

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str, text: str) -> None:
    """Compare a text with a golden file. HARNESS_WRITE_GOLDEN=1 writes it first: read it before it is committed."""
    path = GOLDEN / name
    if os.environ.get("HARNESS_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def made(record: TrainingRecord | None = None, **options: Any) -> str:
    """Return a card."""
    settings: dict[str, Any] = {"name": "out", "contract": contract_of(), "curve": True} | options
    return card_text(record or record_of(), **settings)


def test_a_card_without_scores_says_so() -> None:
    """One sentence and the commands that would change it; the adapter of an embedded base, trained from scratch."""
    record = record_of(base="embedded:gemma-3-270m", base_revision=None, data_license="CC BY-NC-SA 4.0", outcome=None)
    golden("card-new.md", made(record, curve=False))
