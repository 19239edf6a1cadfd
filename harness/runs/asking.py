"""From the options of an evaluation, as flags or arguments, to what is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from harness.errors import UsageError
from harness.locale import tr
from harness.runs.panels import panel_specs, with_members
from harness.specs import (
    DEFAULT_PROMPT,
    LOCAL_BACKENDS,
    PAIRWISE,
    Config,
    check_labels,
    parse_judge,
    parse_model,
    parse_task,
    split_spec,
)
from harness.types import EvalSpec, ModelSpec, Sampling

_NOT_LOADED = {"echo", "gemini", "openai", "outputs"}  # no weights of theirs are on this machine


def evaluation_spec(config: Config, **options: Any) -> EvalSpec:  # noqa: ANN401 - click's values, or a caller's
    """Return the spec of one evaluation: `EvalSpec` and `Sampling` say what the options are.

    Raises:
        UsageError: a model, a task or a judge is missing, or two are the same.
        UnknownNameError: a name that nothing answers to.
    """
    named = options["judges"]
    _refuse_pairs(named)
    options = {**options, "judges": with_members(named, panel_specs(options.get("panels", ()), config), config)}
    for key, example in (("models", "--model base"), ("tasks", "--task bundled:ja-mini"), ("judges", "--judge rules")):
        if not options[key]:
            raise UsageError(
                tr("Nothing to evaluate: no --{key} was given.", key=key[:-1]),
                hint=tr("For example: {example}", example=example),
            )
    chosen = {key: options[key] for key in asdict(config.generation) if options[key] is not None}
    configured = {key: value for key, value in asdict(config.generation).items() if value is not None}
    sampling = Sampling(**(configured | chosen))
    models = tuple(
        parse_model(
            text,
            config,
            base=options["base"],
            quantization=options["quantization"],
            dtype=options["dtype"],
            engine=options.get("engine"),
        )
        for text in options["models"]
    )
    _check(models, options)
    if options["base"] is None and "base" not in config.models:
        models = _on_own_base(models)
    spec = EvalSpec(
        models=models,
        prompts=tuple(options["prompts"]) or (config.prompt or DEFAULT_PROMPT,),
        tasks=tuple(parse_task(text, config) for text in options["tasks"]),
        judges=tuple(parse_judge(text, config, rubric=options["rubric"]) for text in options["judges"]),
        sampling=sampling,
        repeats=options["repeats"],
        judge_repeats=options["judge_repeats"],
        limit=options["limit"],
        baseline=options["baseline"],
        seed=sampling.seed,
        confidence=options["confidence"],
    )
    for what, names in (
        ("--prompt", spec.prompts),
        ("--task", [task.name for task in spec.tasks]),
        ("--judge", named),
    ):
        for name in names:
            if list(names).count(name) > 1:
                raise UsageError(
                    tr("{what} {name!r} was given twice.", what=what, name=name), hint=tr("Leave one out.")
                )
    return spec


def _refuse_pairs(judges: Sequence[str]) -> None:
    """Refuse judges of pairs where single answers are scored: they join a run that has its answers."""
    for name in judges:
        if split_spec(name).backend == PAIRWISE:
            raise UsageError(
                tr("{name!r} compares answers, which this command does not.", name=name),
                hint=tr("Evaluate first, then: harness judge RUN --judge {name}", name=name),
            )


def _check(models: Sequence[ModelSpec], options: Mapping[str, Any]) -> None:
    """Refuse two models of one label, and a flag that no model reads: it would change nothing, in silence."""
    check_labels([model.label for model in models])
    used = {model.backend for model in models}
    unread = [] if used & LOCAL_BACKENDS else ["engine"]
    unread += ["quantization", "dtype"] if used <= _NOT_LOADED else []  # a plugin's model may read these
    for key in unread:
        if options.get(key) not in {None, "auto"}:
            raise unread_flag(key, options[key], [model.label for model in models])


def unread_flag(key: str, value: object, labels: Sequence[str]) -> UsageError:
    """Return the error for a flag that none of the models of these labels reads."""
    return UsageError(
        tr(
            "--{key} {value} changes nothing here, as no weights are loaded for {models}.",
            key=key,
            value=value,
            models=", ".join(labels),
        ),
        hint=tr("Leave out --{key}: it is for models that are loaded on this machine (adapter:, hf: ...).", key=key),
    )


def _on_own_base(models: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...]:
    """Return the models, with ``base`` beside an adapter as the base that the adapter was trained on."""
    adapter = next((model.target for model in models if model.backend in {"adapter", "checkpoints"}), None)
    return tuple(replace(model, adapter=adapter) if model.backend == "base" else model for model in models)
