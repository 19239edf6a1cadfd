"""``harness doctor``: what is installed, what the machine offers, and what is ready."""

import os
import platform
from importlib.util import find_spec
from pathlib import Path

import click
import psutil
from platformdirs import user_cache_dir
from tabulate import tabulate

from harness import plugins
from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import HarnessError
from harness.runs.provenance import versions
from harness.sandbox.confined import protections
from harness.sandbox.program import TemplateFailure
from harness.specs import load_config, store_url
from harness.store.store import Store, store_exists
from trainers.launch import is_installed

_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "HF_TOKEN")
_GIB = 2**30


@click.command("doctor", short_help="Say what is installed and what is ready to use.")
@common_options
def doctor(config: str | None, store: str | None) -> int:
    """Say what is installed, which device and how much memory there is, and whether keys, store and cache are there.

    Nothing is changed or sent; keys are never printed.
    """
    settings = load_config(config)
    url = store_url(store, settings)
    state, ok = _store_state(url)
    rows = [
        *(("installed", f"{name} {number}") for name, number in versions().items()),
        ("machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"),
        ("memory", _memory()),
        ("device", _device()),
        *(("key", f"{name} {'is set' if os.environ.get(name) else 'is not set'}") for name in _KEYS),
        *(_extras()),
        ("templates", _templates()),
        ("store", f"{url}: {state}"),
        ("cache", _cache()),
    ]
    say(tabulate(rows, tablefmt="plain"))
    return 0 if ok else 1


def _templates() -> str:
    """Return what the process that renders strangers' templates is kept from here."""
    try:
        held = protections()
    except TemplateFailure as failure:
        return f"cannot be rendered: {failure.message}"
    missing = [name for name, holds in held.items() if not holds]
    if not missing:
        return "rendered without files, network or new processes, under limits that stay"
    more = "; install libseccomp" if platform.system() == "Linux" else ""
    return f"rendered in a process of their own, which this system does not keep from: {', '.join(missing)}{more}"


def _memory() -> str:
    memory = psutil.virtual_memory()
    return f"{memory.total / _GIB:.1f} GiB, {memory.available / _GIB:.1f} GiB free"


def _device() -> str:
    if find_spec("torch") is None:
        return "unknown without torch (pip install 'ja-harness[local]')"
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - a broken driver or library is what people come to this command with
        return f"unknown: torch cannot be imported: {type(error).__name__}: {error}"
    if not torch.cuda.is_available():
        return "CPU only (no CUDA GPU that torch can see)"
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return ", ".join(f"{gpu.name} {gpu.total_memory / _GIB:.0f} GiB" for gpu in found)


def _extras() -> list[tuple[str, str]]:
    """Return what each extra enables and whether it is installed."""
    rows = []
    groups: tuple[plugins.Group, ...] = ("models", "judges")
    for group in groups:
        for name in plugins.names(group):
            extra = plugins.missing_extra(group, name)
            ready = "ready" if extra is None else f"needs pip install 'ja-harness[{extra}]'"
            rows.append((group.removesuffix("s"), f"{name}: {ready}"))
    rows.append(("train", "ready" if is_installed() else "needs pip install 'ja-harness[train]'"))
    return rows


def _store_state(url: str) -> tuple[str, bool]:
    try:
        if not store_exists(url):
            return "not there yet, made by the first evaluation", True
        Store(url, lock_timeout=2).close()
    except HarnessError as error:
        return f"{error.message} {error.hint or ''}".strip(), False
    return "ready", True


def _cache() -> str:
    folder = Path(os.environ.get("HARNESS_CACHE") or user_cache_dir("ja-harness"))
    if not folder.exists():
        return f"{folder}: empty"
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{folder}: {size / _GIB:.2f} GiB"
