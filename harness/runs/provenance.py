"""Where the figures come from: versions, machine and content hashes, for the manifest and every report."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from harness.codec import digest
from harness.types import Request

# What can move a score: an update of one of these belongs in the report.
_PACKAGES = (
    "ja-harness",
    "numpy",
    "scipy",
    "sacrebleu",
    "jinja2",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "google-genai",
    "openai",
)


def versions() -> dict[str, str]:
    """Return the version of Python and of every installed package that can move a score."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def rendered_hashes(requests: Iterable[Request]) -> Mapping[str, str]:
    """Return, for each template, the sha256 over all prompts it was rendered to, in plan order."""
    rendered: dict[str, list[object]] = {}
    for request in requests:
        if request.prompt is not None and request.repeat == 0:
            rendered.setdefault(request.prompt, []).append(request.rendered)
    return {prompt: digest(items) for prompt, items in rendered.items()}


def machine() -> str:
    """Return the operating system and processor in words."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"
