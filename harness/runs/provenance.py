"""Where the figures come from: versions, machine and content hashes, for the manifest and every report."""

import functools
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness import plugins
from harness.codec import digest
from harness.engine.plan import task_hash
from harness.locale import Language
from harness.plugins import model_info
from harness.runs.assemble import Evaluation
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """By what command a run comes about, or gets judges, and when; its pages are written in ``language``."""

    command: str
    now: datetime
    language: Language = "en"

    @property
    def date(self) -> str:
        """The time as every report has it: to the second, with its offset."""
        return self.now.isoformat(timespec="seconds")


def asked(evaluation: Evaluation) -> dict[str, Any]:
    """Return what an evaluation asks for, by content: equal for evaluations that ask the same."""
    job, spec = evaluation.job, evaluation.spec
    rendered = rendered_hashes(evaluation.planned or job.requests)
    return {
        "tasks": {task.name: task_hash(task.samples) for task in job.tasks},
        "models": {label: plugins.identity(backend) for label, backend in job.models.items()},
        "model_details": {
            label: dict(details) for label, backend in job.models.items() if (details := model_info(backend).details)
        },
        "templates": {
            template.name: {"sha256": template.sha256, "rendered": rendered.get(template.name)}
            for template in evaluation.templates
            if template.name in rendered
        },
        "sampling": asdict(spec.sampling),
        "repeats": spec.repeats,
        "judge_repeats": max((judge.repeats for judge in job.planned_judges), default=1),
        "limit": spec.limit,
    }


def provenance_of(evaluation: Evaluation, invocation: Invocation) -> dict[str, Any]:
    """Return where an evaluation's figures come from: who made them when, from what, with what."""
    return {
        "date": invocation.date,
        "command": invocation.command,
        **asked(evaluation),
        **({"seals": {task: dict(part) for task, part in evaluation.seals.items()}} if evaluation.seals else {}),
        **({"parity": {label: dict(known) for label, known in evaluation.parity.items()}} if evaluation.parity else {}),
        "versions": versions(),
        "machine": machine(),
    }


def versions() -> dict[str, str]:
    """Return the version of Python and of every installed package that can move a score."""
    found = {package: _version(package) for package in _PACKAGES}
    return {"python": platform.python_version()} | {name: said for name, said in found.items() if said is not None}


@functools.cache  # a file to look for and to parse for each, and no package changes under a running process
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


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
