"""The certificate of an engine: measured where a run uses it for the first time, kept in the cache and with the run.

Scores of two engines are scores of one model only if both compute the same. Whoever answers by another engine than the
HF path is therefore compared with it before the first answer, on some of the run's own prompts, and refused if it is
not equal within the HF path's own noise. What is equal is not measured again: the certificate is kept under what the
engine declares of itself and of the model (its fingerprint), and stands among the provenance of every run.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from harness import plugins
from harness.analysis.parity import Certificate, ModelParity, certificate, engine_named
from harness.codec import digest
from harness.engine.parity import Questions, measure_engine, measure_reference
from harness.errors import HarnessError, UnequalEngineError, UnwritableError
from harness.installation import cache_folder
from harness.locale import joined, tr
from harness.plugins import model_info
from harness.protocols import ModelBackend, SecondEngine, ShowsNumbers
from harness.runs.assemble import Evaluation, open_task
from harness.runs.parity_text import reason_texts
from harness.store.store import Store
from harness.templates import Template
from harness.types import Message, RenderedPrompt, Request, TaskSpec

PROMPTS = 8
"""How many prompts a certificate asks, evenly spaced over the tasks."""
BUNDLED = "bundled:ja-mini"
"""Whose prompts it asks where a run has fewer."""
NEW_TOKENS = 48
"""How long its answers may be."""
ANSWERING = 2
"""Of how many adapters a run compares whole greedy answers, beside the base's; new ones come first."""
BESIDE = 3
"""How many adapters that have their certificate are measured again beside one that has not: it must not be another."""

_VERSION = 1  # raised when the rule is another
_SETTINGS = ("base_digest", "adapter_digest", "dtype", "quantization", "route")


def certify(models: Mapping[str, SecondEngine], questions: Questions) -> tuple[Certificate, ...]:
    """Return the certificates of models by label: one for each base, with all models on it.

    Raises:
        HarnessError: a model cannot be loaded by one of the engines, or a prompt cannot be encoded.
    """
    groups: dict[tuple[Any, Any], dict[str, SecondEngine]] = {}
    for label, model in models.items():
        details = model_info(model.reference()).details
        groups.setdefault((details.get("base_digest"), engine_of(model)), {})[label] = model
    return tuple(_certify(group, name or "", questions) for (_, name), group in groups.items())


def _certify(models: Mapping[str, SecondEngine], name: str, questions: Questions) -> Certificate:
    references: dict[str, ShowsNumbers] = {}
    for label, model in models.items():
        one = model.reference()
        assert isinstance(one, ShowsNumbers)
        references[label] = one
    reference = measure_reference(references, questions)
    found = measure_engine(models, questions, reference)
    unlike = {label: _unlike(model_info(model).details, references[label]) for label, model in models.items()}
    return certificate(name, reference, found, unlike=unlike)


def _unlike(said: Mapping[str, Any], reference: ModelBackend) -> list[str]:
    """Return the settings that an engine declares otherwise than the reference, of those that both declare."""
    own = model_info(reference).details
    return [name for name in _SETTINGS if name in said and name in own and said[name] != own[name]]


def engine_of(backend: ModelBackend) -> str | None:
    """Return by what engine a model on this machine answers; None for one that answers elsewhere or from a file."""
    return engine_named(model_info(backend).details)


def certified(evaluation: Evaluation, store: Store, *, tell: Callable[[str], None]) -> Evaluation:
    """Return an evaluation with the certificates of its engines, after measuring those that are needed and not there.

    Nothing is measured for a model whose answers are all stored: what was certified when they were made still holds.
    ``tell`` hears that something is measured.

    Raises:
        UnequalEngineError: an engine is not equal to the HF path.
        HarnessError: a model cannot be loaded by one of the engines.
    """
    engines = {label: one for label, one in evaluation.job.models.items() if isinstance(one, SecondEngine)}
    if not engines:
        return evaluation
    known = {label: entry for label, one in engines.items() if (entry := _kept(one)) is not None}
    asked = [request for request in evaluation.job.requests if request.model in engines]
    stored = store.generations(list({request.key: None for request in asked}))
    pending = {request.model for request in asked if request.key not in stored}
    if missing := [label for label in engines if label in pending and label not in known]:
        measured = {label: engines[label] for label in _measured(engines, missing)}
        tell(
            tr(
                "Comparing {engine} with transformers on {n} prompts, once for these models: {names}",
                engine=engine_of(engines[missing[0]]),
                n=PROMPTS,
                names=", ".join(measured),
            )
        )
        questions = questions_of(asked, fill=partial(_bundled, evaluation.templates[0]))
        for one in certify(measured, replace(questions, adapters=ANSWERING)):
            refuse_unequal(one)
            known |= keep(one, {label: engine for label, engine in measured.items() if label not in known})
    return replace(evaluation, parity={label: known[label] for label in engines if label in known})


def _measured(engines: Mapping[str, ModelBackend], missing: Sequence[str]) -> list[str]:
    """Return what is measured where some have no certificate: their base, they, and a few other adapters on it.

    That one adapter is not another, or the base, can only be seen beside these.
    """
    details = {label: model_info(one).details for label, one in engines.items()}
    chosen: list[str] = []
    for base in dict.fromkeys(details[label].get("base_digest") for label in missing):
        there = [label for label in engines if details[label].get("base_digest") == base]
        plain = [label for label in there if details[label].get("adapter_digest") is None]
        new = [label for label in there if label in missing and label not in plain]
        chosen += [*plain, *new, *[label for label in there if label not in (*plain, *new)][:BESIDE]]
    return chosen


def keep(found: Certificate, engines: Mapping[str, SecondEngine]) -> dict[str, dict[str, Any]]:
    """Keep what is equal in the cache, and return what provenance says of each of ``engines``, by label.

    Raises:
        UnwritableError: the cache folder cannot be written.
    """
    entries = {model.label: _entry(found, model) for model in found.models if model.label in engines}
    for label, entry in entries.items():
        if entry["verdict"] == "equal":
            _keep(engines[label], entry)
    return entries


def questions_of(
    requests: Sequence[Request], *, most: int = PROMPTS, fill: Callable[[], Sequence[RenderedPrompt]] = tuple
) -> Questions:
    """Return what a certificate asks: prompts of a run, evenly spaced, under its repetition penalty.

    ``fill`` has further prompts where the run has too few. Answers may be as long as `NEW_TOKENS`, however short those
    of the run are: fewer tokens would tell too little.
    """
    every = list({request.rendered: None for request in requests if request.prompt is not None})
    count = min(most, len(every))
    chosen = [every[len(every) * place // count] for place in range(count)]
    if count < most:
        chosen += [prompt for prompt in fill() if prompt not in chosen][: most - count]
    return Questions(prompts=tuple(chosen), sampling=replace(requests[0].sampling, max_new_tokens=NEW_TOKENS))


def _bundled(template: Template) -> Sequence[RenderedPrompt]:
    """Return the bundled tasks under a template, or as they are where it asks for other columns than they have."""
    samples = open_task(TaskSpec(name=BUNDLED))
    try:
        return template.render_all([sample.inputs for sample in samples])
    except HarnessError:
        return [
            RenderedPrompt(messages=(Message(role="user", content=str(sample.inputs["input"])),)) for sample in samples
        ]


def refuse_unequal(found: Certificate) -> None:
    """Refuse an engine that computes something else than the HF path.

    Raises:
        UnequalEngineError: with the figures of the first model that is not equal.
    """
    for model in found.models:
        if model.reasons:
            raise UnequalEngineError(
                tr(
                    "{engine} does not compute what transformers does for {label!r}: {reasons}.",
                    engine=found.engine,
                    label=model.label,
                    reasons=joined(reason_texts(model, found), "; "),
                ),
                hint=tr(
                    "Evaluate with transformers: --engine hf. harness doctor --parity shows the figures of every model."
                ),
            )


def _entry(found: Certificate, model: ModelParity) -> dict[str, Any]:
    """Return what provenance says of a model's certificate: plain values."""
    limits = ("engine", "prompts", "tokens", "floor_mean", "floor_p99", "limit_mean", "limit_p99", "limit_greedy")
    figures = {name: value for name, value in asdict(model).items() if name not in ("label", "reasons", "unlike")}
    shared = asdict(found)
    return {
        "verdict": "refused" if model.reasons else "equal",
        **{name: shared[name] for name in limits},
        **figures,
        "like": list(model.like),
    }


def _place(backend: ModelBackend) -> Path:
    return cache_folder() / "parity" / f"{digest([_VERSION, plugins.identity(backend)])}.json"


def _kept(backend: ModelBackend) -> dict[str, Any] | None:
    """Return the certificate that was kept; a file that cannot be read is none."""
    try:
        found = json.loads(_place(backend).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("verdict") == "equal" else None


def _keep(backend: ModelBackend, entry: Mapping[str, Any]) -> None:
    path = _place(backend)
    work = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        work.write_text(json.dumps(entry, ensure_ascii=False), encoding="utf-8")
        work.replace(path)
    except OSError as error:
        raise UnwritableError(
            tr("The cache folder {parent} cannot be written: {strerror}.", parent=path.parent, strerror=error.strerror),
            hint=tr("Set HARNESS_CACHE to a folder with a few GB of free space."),
        ) from error
