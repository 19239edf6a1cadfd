"""``harness doctor``: what is installed, what the machine offers, and what is ready."""

import os
import platform
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import Any

import click
import psutil

from harness import plugins
from harness.cli.door import opened
from harness.cli.fits import SHAPES, fits, judges_that_fit
from harness.cli.options import common_options
from harness.cli.say import said, say
from harness.cli.table import table
from harness.errors import HarnessError, UsageError
from harness.installation import add_extra, cache_folder
from harness.locale import Text, tr
from harness.protocols import Served
from harness.remote.gemini_models import DEFAULT_JUDGE, retirement_notice
from harness.runs.provenance import versions
from harness.sandbox.confined import protections
from harness.sandbox.program import TemplateFailure
from harness.specs import Config, load_config, parse_judge, store_url
from harness.store.store import Store, store_exists
from trainers.launch import is_installed

_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "HF_TOKEN")
_SERVED = {"gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "openai": ("OPENAI_API_KEY",)}
_SECONDS = 3.0  # that a server may take to say which models it has
_GIB = 2**30


@click.command("doctor", short_help="Say what is installed and what is ready to use.")
@click.option("--online", is_flag=True, help="Ask the servers of configured judges for their models, too.")
@click.option("--parity", is_flag=True, help="Compare another engine with transformers, on the MODELS named.")
@click.argument("models", nargs=-1, metavar="[MODELS]...")
@click.option(
    "--engine", type=click.Choice(["auto", "vllm"]), default="vllm", show_default=True, help="For --parity: which one."
)
@click.option("--base", metavar="SPEC", help="For --parity: the base model of `base` and of adapters.")
@click.option("--task", metavar="NAME[=PATH]", help="For --parity: whose prompts.  [default: bundled:ja-mini]")
@click.option("--prompt", metavar="NAME|PATH", help="For --parity: the template.  [default: course.v1]")
@click.option("--limit", type=click.IntRange(min=5), default=8, metavar="K", help="For --parity: how many prompts.")
@click.option("--quantization", type=click.Choice(["nf4", "none"]), help="For --parity, as harness eval has it.")
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="For --parity, likewise.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificates of --parity as JSON, unrounded.")
@common_options
def doctor(
    *,
    online: bool,
    parity: bool,
    models: tuple[str, ...],
    as_json: bool,
    config: str | None,
    store: str | None,
    **options: Any,  # noqa: ANN401 - click's values, each typed where it is read
) -> int:
    """Say what is installed, which device and how much memory there is, and whether keys, store and cache are there.

    Nothing is changed; nothing is sent unless --online; keys are never printed.

    --parity compares the engine that would answer for models (base, hf:, adapter:) with transformers: log-probabilities
    of the same texts, greedy texts, the effect of each adapter. Exit code 1 where they are not equal.
    """
    settings = load_config(config)
    if parity:
        return int(opened("harness.cli.parity:parity")(settings, as_json=as_json, models=models, **options))
    if models or as_json:
        raise UsageError(tr("MODELS and --json belong to --parity."), hint=tr("harness doctor --parity base"))
    url = store_url(store, settings)
    state, ok = _store_state(url)
    rows = [
        *((tr("installed"), f"{name} {number}") for name, number in versions().items()),
        (
            tr("machine"),
            tr("{system}, {n} cores", system=f"{platform.system()} {platform.machine()}", n=os.cpu_count()),
        ),
        (tr("memory"), _memory()),
        (tr("device"), _device()),
        (tr("fits"), _fits()),
        (tr("local judge"), _local_judge()),
        *(
            (tr("key"), tr("{name} is set", name=name) if os.environ.get(name) else tr("{name} is not set", name=name))
            for name in _KEYS
        ),
        *(_extras(settings)),
        *_retirements(settings, datetime.now(UTC).date()),
        *(_online(settings) if online else ()),
        (tr("templates"), _templates()),
        (tr("store"), tr("{name}: {state}", name=url, state=state)),
        (tr("cache"), _cache()),
    ]
    say(table(rows))
    return 0 if ok else 1


def _templates() -> str:
    """Return what the process that renders strangers' templates is kept from here."""
    try:
        held = protections()
    except TemplateFailure as failure:
        return tr("cannot be rendered: {message}", message=failure.message)
    missing = [name for name, holds in held.items() if not holds]
    if not missing:
        return tr("rendered without files, network or new processes, under limits that stay")
    missed = ", ".join(missing)
    if platform.system() == "Linux":
        return tr(
            "rendered in a process of their own, which this system does not keep from: {missed}; install libseccomp",
            missed=missed,
        )
    return tr("rendered in a process of their own, which this system does not keep from: {missed}", missed=missed)


def _memory() -> str:
    memory = psutil.virtual_memory()
    return tr("{total:.1f} GiB, {free:.1f} GiB free", total=memory.total / _GIB, free=memory.available / _GIB)


def _device() -> str:
    if find_spec("torch") is None:
        return tr("unknown without torch ({command})", command=add_extra("local"))
    try:
        torch = opened("torch")
    except Exception as error:  # noqa: BLE001 - a broken driver or library is what people come to this command with
        return tr("unknown: torch cannot be imported: {error}", error=f"{type(error).__name__}: {error}")
    if not torch.cuda.is_available():
        return tr("CPU only (no CUDA GPU that torch can see)")
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return ", ".join(f"{gpu.name} {gpu.total_memory / _GIB:.0f} GiB" for gpu in found)


def _fits() -> str:
    """Return which models fit the memory of this machine's device."""
    numerics, gib = ["nf4", "bfloat16"], _device_gib()
    if gib is None:
        numerics, gib = ["float32"], psutil.virtual_memory().available / _GIB
    parts = [
        said(
            tr(
                "{name} {numerics}: {answer} ({needed:.1f} GiB)",
                name=shape.name,
                numerics=one,
                answer=tr("yes") if fits(shape, one, gib) else tr("no"),
                needed=shape.gib(one),
            )
        )
        for shape in SHAPES
        for one in numerics
    ]
    return ", ".join(parts)


def _local_judge() -> Text:
    """Return which models are recommended as judges on this machine's GPU."""
    gib = _device_gib()
    fitting = [] if gib is None else judges_that_fit(gib)
    if not fitting:
        return tr("none is recommended for this memory; embedded:gemma-3-270m shows how it goes, and is no judge")
    return tr(
        "local:hf:{names} in nf4; how far it agrees with people on Japanese answers is not published: measure it "
        "(docs/local-judge.md)",
        names=", local:hf:".join(shape.name for shape in fitting),
    )


def _device_gib() -> float | None:
    """Return the memory of the first GPU, None without one."""
    try:
        torch = opened("torch")
    except Exception:  # noqa: BLE001 - what is wrong with it, `_device` says
        return None
    return torch.cuda.get_device_properties(0).total_memory / _GIB if torch.cuda.is_available() else None


def _online(settings: Config) -> list[tuple[str, str]]:
    """Return what the servers of the judges say that are ready: whether they answer, and have the model."""
    rows: list[tuple[str, str]] = []
    for name in _SERVED:
        if plugins.missing_extra("judges", name) is not None or _lacks_key(name, settings):
            continue
        try:
            made = plugins.make("judges", name, parse_judge(name, settings))
            reason = made.look_up(_SECONDS) if isinstance(made, Served) else None
            state = (
                tr("answers, and has the model that is configured")
                if reason is None
                else tr("cannot be reached: {reason}; try 1 of 1", reason=reason)
            )
        except HarnessError as error:
            state = tr("{message} {hint}", message=error.message, hint=error.hint or "")
        rows.append((tr("server"), tr("{name}: {state}", name=name, state=state)))
    return rows


def _retirements(settings: Config, today: date) -> list[tuple[str, str]]:
    """Return when the Gemini models that are configured, or the judge by default, are retired."""
    named = [str(settings.judges.get("gemini", {}).get("model") or DEFAULT_JUDGE)]
    named += [str(model) for model in [settings.models.get("gemini", {}).get("model")] if model]
    rows: list[tuple[str, str]] = []
    for model in dict.fromkeys(named):
        try:
            state = retirement_notice(model, today) or tr("{model}: no end is near", model=model)
        except HarnessError as error:
            state = tr("{message} {hint}", message=error.message, hint=error.hint or "")
        rows.append((tr("retirement"), state))
    return rows


def _lacks_key(name: str, settings: Config) -> str | None:
    """Return the environment variable that a served judge or model would need and that is not set."""
    table = settings.judges.get(name, {})
    variables = (str(table["api_key_env"]),) if table.get("api_key_env") else _SERVED[name]
    needless = name == "openai" and (table.get("base_url") or os.environ.get("OPENAI_BASE_URL"))
    return None if needless or any(os.environ.get(one, "").strip() for one in variables) else variables[0]


def _extras(settings: Config) -> list[tuple[str, str]]:
    """Return what each extra enables and whether it is installed, and whether what is served has its key."""
    rows: list[tuple[str, str]] = []
    groups: tuple[plugins.Group, ...] = ("models", "judges")
    for group in groups:
        for name in plugins.names(group):
            extra = plugins.missing_extra(group, name)
            kind = tr("model") if group == "models" else tr("judge")
            state = _ready(extra)
            if extra is None and name in _SERVED and (variable := _lacks_key(name, settings)) is not None:
                state = tr("installed, but {variable} is not set", variable=variable)
            rows.append((kind, tr("{name}: {state}", name=name, state=state)))
    rows.append(("train", _ready(None if is_installed() else "train")))
    return rows


def _ready(missing: str | None) -> Text:
    return tr("ready") if missing is None else tr("needs {command}", command=add_extra(missing))


def _store_state(url: str) -> tuple[str, bool]:
    try:
        if not store_exists(url):
            return tr("not there yet, made by the first evaluation"), True
        Store(url, lock_timeout=2).close()
    except HarnessError as error:
        return tr("{message} {hint}", message=error.message, hint=error.hint or ""), False
    return tr("ready"), True


def _cache() -> str:
    folder = cache_folder()
    if not folder.exists():
        return tr("{folder}: empty", folder=folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{folder}: {size / _GIB:.2f} GiB"
