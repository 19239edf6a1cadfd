"""Real processes: two answer as one does, to the byte, and one that is killed costs nothing."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.locale.telling import TELLER
from harness.models.hf import LocalModel, open_local
from harness.models.hf.crew.members import Member
from harness.protocols import AnswersTogether, Sharing
from harness.types import Generation, ModelSpec, Request
from tests.models.hf.local import PROMPTS

Ask = Callable[..., Request]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes compute with one thread, as on a machine with many processes."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def models(tiny: Path, make_adapter: Callable[..., Path], spec_of: Callable[..., ModelSpec]) -> dict[str, LocalModel]:
    """A base and an adapter."""
    adapter = spec_of(f"adapter:{make_adapter(tiny)}", base=str(tiny))
    return {"base": open_local(spec_of(f"hf:{tiny}")), "tuned": open_local(adapter)}


@pytest.mark.usefixtures("alone")
def test_two_processes_answer_as_one_does_and_a_killed_one_costs_nothing(
    models: dict[str, LocalModel], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [*PROMPTS, *(f"{text}。" for text in PROMPTS)]
    asked = {label: [ask(text, key=f"{label} {text}", new=40) for text in texts] for label in models}
    expected = {
        generation.request_key: generation.text
        for label, model in models.items()
        for generation in model.generate(asked[label])
    }
    said: list[str] = []
    monkeypatch.setattr(TELLER, "say", said.append)
    with models["base"].spread(models, Sharing(processes=2, tokens=1, stays=True)) as members:
        member = members["tuned"]
        assert isinstance(member, Member)
        assert isinstance(member, AnswersTogether)
        found: dict[str, str | None] = {}
        for event in member.generate_together(asked):
            assert isinstance(event, Generation)
            if not found:
                (first, second) = member.company.pids
                os.kill(second, signal.SIGKILL)
            found[event.request_key] = event.text
    assert found == expected
    assert len(said) == 1
    assert "(signal 9)" in said[0]
    assert "batch_plan" in [notice.code for notice in models["tuned"].notices()]
    assert "batch_plan" in [notice.code for notice in models["base"].notices()]
    assert not Path(f"/proc/{first}").exists(), "no process is left behind"
