"""Places: what each process sees, and how many GPUs the system shows."""

from pathlib import Path

import pytest

from harness.models import places
from harness.models.places import devices_seen, gpu_places, process_places


def test_each_process_sees_one_of_the_gpus_that_its_parent_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5a")
    assert [place.environment for place in gpu_places(2)] == [
        {"CUDA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "GPU-5a"},
    ]  # fmt: skip
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert [place.environment for place in process_places(2)] == [{"OMP_NUM_THREADS": "1"}] * 2


@pytest.mark.parametrize(
    ("chosen", "seen"), [(None, 3), ("", 0), ("1", 1), ("GPU-5a, 2", 2), ("0,1,2,3", 3), ("-1", 0), ("2,-1,0", 1)]
)
def test_gpus_are_seen_without_torch_as_far_as_they_are_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str | None, seen: int
) -> None:
    """Files of the driver's that are no GPU are beside them."""
    for name in ("nvidia0", "nvidia1", "nvidia12", "nvidiactl", "nvidia-uvm", "nvidia-modeset", "null"):
        (tmp_path / name).touch()
    monkeypatch.setattr(places, "_DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert devices_seen() == seen
