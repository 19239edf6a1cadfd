"""From requests to rows, whatever engine answers them."""

from collections.abc import Callable
from pathlib import Path

from harness.models.hf.bases import load_encoder
from harness.models.hf.encoding import encode_requests, end_differs
from harness.models.hf.sources import resolve
from harness.types import Request


def test_what_cannot_be_asked_is_told_apart(tiny: Path, ask: Callable[..., Request]) -> None:
    """Too long a prompt has its reason, a missing chat template is the error of the call, the rest has room."""
    encoder = load_encoder(resolve(f"hf:{tiny}"), trusted=False)
    fine, long, chat = ask("hello", new=500), ask("あ" * 100), ask("hello", format="chat", key="chat")
    encoded = encode_requests(encoder, [fine, long, chat], 60)
    assert [fine] == [row.request for row in encoded.rows]
    assert 60 == len(encoded.rows[0].ids) + encoded.rows[0].limit
    assert "takes 60 with the answer" in str(encoded.refused[0].error)
    assert encoded.refusal is not None
    assert "no chat template" in encoded.refusal.message


def test_an_end_that_generation_does_not_know_is_said() -> None:
    """Without a contract nothing is known."""
    assert end_differs(None, frozenset({2})) is None
