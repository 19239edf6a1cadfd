"""`harness doctor`: what is there, what is missing, and never a key."""

from pathlib import Path

import pytest

from harness.installation import add_extra
from tests.conftest import RunCli
from trainers.launch import is_installed


def test_doctor_says_what_is_there_and_never_prints_a_key(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions, device, memory, keys, store and cache; a key is 'set', not shown."""
    monkeypatch.setenv("GEMINI_API_KEY", "canary-1234")
    monkeypatch.setenv("HARNESS_CACHE", "cache-folder")
    ran = run_cli("doctor")
    assert 0 == ran.code, ran.err
    for text in ("ja-harness", "cores", "GiB free", "GEMINI_API_KEY is set", "OPENAI_API_KEY is not set"):
        assert text in ran.out
    assert "not there yet" in ran.out
    assert "cache-folder: empty" in ran.out
    assert "canary" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"files": True, "network": True, "limits": True}, "without files, network or new processes"),
        ({"files": True, "network": False, "limits": False}, "does not keep from: network, limits"),
    ],
)
def test_doctor_says_what_strangers_templates_are_kept_from(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, held: dict[str, bool], words: str
) -> None:
    """What was tried in the confined process, all of it or what is missing."""
    monkeypatch.setattr("harness.cli.doctor.protections", lambda: held)
    assert words in run_cli("doctor").out


@pytest.mark.parametrize(
    ("gib", "words"),
    [
        (None, "none is recommended for this memory"),
        (4.0, "none is recommended for this memory"),
        (14.6, "local:hf:Unbabel/M-Prometheus-14B in nf4; how far it agrees with people on Japanese answers is not"),
        (79.0, "local:hf:meta-llama/Llama-3.3-70B-Instruct, local:hf:Nexusflow/Athene-V2-Chat in nf4"),
    ],
)
def test_doctor_names_the_judges_that_fit(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, gib: float | None, words: str
) -> None:
    """By the GPU's memory; that their agreement is unknown stands beside them."""
    monkeypatch.setattr("harness.cli.doctor._device_gib", lambda: gib)
    assert words in " ".join(run_cli("doctor").out.split())


def test_doctor_fails_if_the_store_cannot_be_used(run_cli: RunCli) -> None:
    """A store that is not one is a failure that a script can see."""
    Path("wrong.sqlite").write_text("this is no database, and long enough to be looked at as one " * 9)
    ran = run_cli("doctor", "--store", "sqlite:///wrong.sqlite")
    assert 1 == ran.code
    assert "is not a readable store" in ran.out


@pytest.mark.parametrize("missing", [None, "torch", "accelerate"])
def test_doctor_misses_what_train_misses(missing: str | None, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of the packages that training takes, both name the extra."""
    monkeypatch.setattr("trainers.launch.find_spec", lambda name: None if name == missing else object())
    lines = [line.split(maxsplit=1) for line in run_cli("doctor").out.splitlines()]
    state = next(text for name, text in lines if name == "train")
    assert ("ready" if missing is None else f"needs {add_extra('train')}") == state
    assert is_installed() is (missing is None)
