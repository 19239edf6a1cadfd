"""What a training on a CPU holds beside its tensors: trims in passes that learn, and bounded caches of kernels."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from trainers.training import host_memory
from trainers.training.host_memory import bound_kernel_caches, trim_between

_PRODUCTS = """
import ctypes, torch
from trainers.training.host_memory import bound_kernel_caches
names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
info = type("Info", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in names]})
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = info
held = lambda: libc.mallinfo2().uordblks + libc.mallinfo2().hblkhd
bound_kernel_caches()
weights = [torch.ones(64 * n, 64, dtype=torch.bfloat16) for n in range(1, 9)]
before = held()
for tokens in range(64, 128):
    for weight in weights:
        torch.ones(tokens, 64, dtype=torch.bfloat16, requires_grad=True).matmul(weight.T).sum().backward()
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallinfo2 is glibc's")
def test_kernels_of_shapes_gone_by_are_not_kept() -> None:
    """Oracle: the C library's own count after a thousand shapes, 310 MB where nothing bounds the caches."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("CACHE_CAPACITY")}
    done = subprocess.run(
        [sys.executable, "-c", _PRODUCTS], env=environment, check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 100e6


def test_what_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets the libraries' variables knows why."""
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "3")
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    bound_kernel_caches()
    assert ("3", "128") == (os.environ["LRU_CACHE_CAPACITY"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"])


@pytest.mark.parametrize(("layers", "trims"), [(18, 6), (40, 5), (2, 2)])
def test_memory_goes_back_a_few_times_in_a_pass_that_learns(
    monkeypatch: pytest.MonkeyPatch, layers: int, trims: int
) -> None:
    """And never in one that does not: an answer is made by one pass for each of its tokens."""
    seen = []
    monkeypatch.setattr(host_memory, "trim", lambda: seen.append(None))
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(layers)))
    trim_between(list(model))
    with torch.no_grad():
        model(torch.ones(1, 2))
    assert not seen
    model(torch.ones(1, 2))
    assert trims == len(seen)
