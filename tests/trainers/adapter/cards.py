"""Cards of made-up trainings, and their parts."""

from typing import Any

from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.trainers.adapter_folders import contract_of, record_of
from trainers.adapter.card import card_text
from trainers.adapter.training_record import TrainingRecord


def made(record: TrainingRecord | None = None, **options: Any) -> str:
    """Return a card."""
    settings: dict[str, Any] = {"name": "out", "contract": contract_of(), "curve": True} | options
    return card_text(record or record_of(), **settings)


def tokens(text: str) -> list[Token]:
    """Return what Markdown makes of a card's body."""
    return MarkdownIt("gfm-like", {"linkify": False}).parse(ModelCard(text).text)


def code(text: str, language: str) -> list[str]:
    """Return the code blocks in one language."""
    return [token.content for token in tokens(text) if token.type == "fence" and token.info == language]


def headings(text: str) -> list[str]:
    """Return the headings of a card."""
    parsed = tokens(text)
    return [parsed[place + 1].content for place, token in enumerate(parsed) if token.type == "heading_open"]
