"""The record of a training: what went in and what came out, as ``training.json`` in the adapter's folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from harness.codec import canonical, decode
from harness.errors import InputError
from harness.locale import tr
from trainers.recipe import Recipe, current_value

ADAPTER = "adapter_config.json"  # written last: with it an adapter is there
WEIGHTS = "adapter_model.safetensors"
CARD = "README.md"
RECORD = "training.json"
LOG = "trainer_log.jsonl"
EVENTS = "tensorboard"  # the folder of event files
SAMPLES = "samples.jsonl"  # answers while training, for people
CURVE = "loss.png"
CHAT_TEMPLATE = "chat_template.jinja"  # as transformers names it beside a tokenizer
_MAY_DIFFER = {  # what changes no weight of a resumed run but in its last digits
    *("outcome", "versions", "command", "device", "processes", "sessions", "start"),
}
_MAY_CHANGE = {  # likewise of the recipe
    "summary",
    "data_license",
    "dequantize",  # like the next two it changes how products are computed, not what is learnt
    "eval_steps",
    "gradient_checkpointing",
    "logging_steps",
    "report_to",
    "sample_max_new_tokens",
    "sample_prompts",
    "save_steps",
    "save_total_limit",
    "shard",
    "torch_compile",
    "use_liger_kernel",
}
_LENGTH = {"num_train_epochs", "max_steps"}  # more of the same training goes on where it stopped
_DEFAULTS = asdict(Recipe())  # what held where an earlier version of the harness had no such key
_TOLD_ELSEWHERE = {"changed", "sources", "recipe_name", "data_license"}  # by the recipe's own entries


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One source of samples.

    ``name`` is the file's name without its folder or the Hub's id; ``rows`` counts a conversation once for each of its
    answers, ``bad`` what could not be used of them, ``refused`` those that equal a task of a benchmark. Of a mixture,
    ``share`` and ``cap`` are what was asked of its source, ``taken`` the samples that came into it (None: all of them),
    ``times`` how often each is learnt in an epoch.
    """

    name: str
    sha256: str
    rows: int
    bad: int = 0
    refused: int = 0
    share: float | None = None
    cap: int | None = None
    taken: int | None = None
    times: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a judge made of an adapter after some optimizer steps, 0: before the first.

    ``mean`` with its interval, over ``n`` tasks; ``difference`` from what there was before the first step, with the
    interval that holds for all evaluations at once, and the ``verdict`` on it in a word. None: it cannot be computed.
    """

    step: int
    mean: float | None
    low: float | None
    high: float | None
    n: int
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenCheckpoint:
    """The step with the highest mean, and what it gains over what there was before the first.

    ``naive``: on the tasks that it was chosen on · ``honest``, ``low``, ``high``: without the luck of being chosen ·
    ``agreement``: see `harness.stats.best_of`.
    """

    step: int
    naive: float
    honest: float | None
    low: float | None
    high: float | None
    agreement: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """How an adapter was judged while it was trained, in the ``run`` of that name.

    ``part``: of a sealed task set the open tasks, else all · ``stopped``: why that ended the training, if it did.
    """

    run: str
    tasks: str
    n_tasks: int
    part: Literal["open", "all"]
    judge: str
    scale: tuple[float, float]
    margin: float
    evaluated: tuple[Evaluated, ...]
    stopped: Literal["worse", "no_gain"] | None = None
    best: ChosenCheckpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """What a finished training came to. Losses are nats per trained token; None where nothing was held out.

    ``peak_gib`` is the most memory that was taken: of a GPU what was allocated, on a CPU what the process held;
    ``planned_gib`` what the memory plan had foreseen for that, on a CPU with what the process held before.
    ``weights_sha256`` is the digest of the adapter's weights as they were written. ``kept_step`` is the optimizer step
    that they are of where the recipe keeps those of the lowest held-out loss, and ``heldout_loss`` theirs, chosen among
    ``heldout_measured``; ``stopped_early``: the recipe's patience ended the training. Of pairs, losses are those of the
    objective; ``heldout_margin`` is the mean margin in nats (see `trainers.training.preference_loss`), and
    ``heldout_accuracy`` the share above 0, of the last step. ``evaluations``: what judges saw on the way, if they did;
    with the recipe's ``best_by`` "judge" ``kept_step`` is the best of those.
    """

    steps: int
    tokens: int
    seconds: float
    first_loss: float
    last_loss: float
    heldout_loss_before: float | None = None
    heldout_loss: float | None = None
    peak_gib: float | None = None
    planned_gib: float | None = None
    weights_sha256: str | None = None
    kept_step: int | None = None
    heldout_measured: int | None = None
    stopped_early: bool = False
    heldout_margin_before: float | None = None
    heldout_margin: float | None = None
    heldout_accuracy: float | None = None
    evaluations: Evaluations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How steps were cut up (see `trainers.memory_plan.MemoryPlan`): the same sums, added up in another order."""

    tokens: int
    recomputed: int
    dequantized: bool
    shards: int = 1
    fused: bool = False

    def __str__(self) -> str:
        kept = f", {self.recomputed} layers recomputing" if self.recomputed else ""
        shared = f", weights shared among {self.shards}" if self.shards > 1 else ""
        how = (", dequantized" if self.dequantized else "") + (", fused kernels" if self.fused else "")
        return f"{self.tokens:,} tokens at once{kept}{how}{shared}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a training was done with from one optimizer step on, until it ended or was resumed.

    ``cut`` is None where an earlier version of the harness did not say, and so is ``steps``, the whole length that was
    planned; what running out of memory changed on the way stands in the log.
    """

    after_step: int
    device: str
    processes: int
    versions: Mapping[str, str]
    cut: Cut | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """All that decides an adapter, and its outcome once there is one.

    ``base`` is the spec as typed, ``base_digest`` the identity of its weights; ``recipe`` holds every hyperparameter
    after ``--set``, ``changed`` the names of those that ``--set`` changed, ``sources`` where the others come from.
    ``chat_template_sha256`` is that of a chat template in place of the base's own.
    ``optimizer`` is the one that ran, which on a CPU may not be the recipe's (None: an earlier version did not say).
    ``start`` is the adapter that training goes on from, by its folder's name, ``start_sha256`` its weights' digest.
    ``device``, ``processes`` and ``versions`` are the last session's; ``sessions`` has all of them.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic reads it from the class

    schema: Literal[1] = 1
    base: str
    base_revision: str | None
    base_digest: str
    recipe_name: str
    recipe: Mapping[str, Any]
    changed: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    prompt: str
    prompt_sha256: str
    chat_template_sha256: str | None = None
    data: Sequence[DataFile]
    samples: int
    heldout: int
    truncated: int = 0
    data_license: str | None = None
    quantization: str
    dtype: str
    device: str
    optimizer: str | None = None
    processes: int = 1
    versions: Mapping[str, str] = field(default_factory=dict)
    sessions: Sequence[Session] = ()
    command: str = ""
    start: str | None = None
    start_sha256: str | None = None
    outcome: TrainingOutcome | None = None


def read_record(folder: Path) -> TrainingRecord | None:
    """Return the record in an adapter's folder, or None if it has none.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / RECORD
    if path.exists() and not path.is_file():  # reading a pipe would wait, and a device has no end
        raise InputError(tr("not a file."), path=path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(tr("not readable: {error}", error=error), path=path) from error
    return decode(TrainingRecord, text, where=str(path))


def record_text(record: TrainingRecord) -> str:
    """Return a record as the JSON of its file."""
    return json.dumps(asdict(record), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of an adapter's log, oldest first; what follows a damaged line, as a kill leaves it, is left out.

    A row has ``step`` and either ``loss``, ``learning_rate``, ``tokens`` (seen so far), ``tokens_per_second``,
    ``memory_gib`` (the most so far) and ``seconds`` (of training so far), or
    ``heldout_loss``, or ``judged`` (the mean that ``judge`` gave, with ``judged_low``, ``judged_high`` and, after step
    0, the ``verdict`` on its difference from there), or ``event`` (a sentence).
    """
    path = folder / LOG
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not (isinstance(row, dict) and isinstance(row.get("step"), int)):
            break
        rows.append(row)
    return rows


def with_session(
    record: TrainingRecord, earlier: TrainingRecord | None, step: int, cut: Cut, steps: int | None = None
) -> TrainingRecord:
    """Return a record with the session that begins after a step, behind those of which something is left by then."""
    before = earlier.sessions if earlier else ()
    if earlier and not before:
        before = [_session(earlier, 0, None)]
    kept = [session for session in before if session.after_step < step]
    return replace(record, sessions=(*kept, replace(_session(record, step, cut), steps=steps)))


def _session(record: TrainingRecord, step: int, cut: Cut | None) -> Session:
    return Session(after_step=step, device=record.device, processes=record.processes, versions=record.versions, cut=cut)


def differences(earlier: TrainingRecord, now: TrainingRecord) -> list[str]:
    """Return in words what decides the weights and is not the same in two records."""
    before, after = asdict(earlier), asdict(now)
    found = []
    for key, value in before.items():
        unsaid = key == "optimizer" and value is None
        if key in _MAY_DIFFER or unsaid or canonical(value) == canonical(after[key]):
            continue
        if key == "recipe":
            then, given = _DEFAULTS | value, _DEFAULTS | after[key]
            chooses = given["keep_best"] or given["early_stopping_patience"]
            free = _MAY_CHANGE - {"eval_steps"} if chooses else _MAY_CHANGE
            free = free | _LENGTH if is_longer(then, given) else free
            changed = [name for name in {**value, **then} if name not in free and _differs(name, then, given)]
            found += [f"{name} was {then[name]!r}, now {given.get(name)!r}" for name in changed]
        elif key == "data":
            names = ", ".join(file["name"] for file in value)
            same = [file["sha256"] for file in value] == [file["sha256"] for file in after[key]]
            changed_what = f"the shares or caps of {names} changed" if same else f"the content of {names} changed"
            found.append(f"the data was {names}" if names != _names(after[key]) else changed_what)
        elif key not in _TOLD_ELSEWHERE:
            found.append(f"{key} was {value!r}, now {after[key]!r}")
    return found


def is_longer(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether a recipe asks for more epochs, or for more steps, than another.

    >>> one, two = {"max_steps": -1, "num_train_epochs": 1.0}, {"max_steps": -1, "num_train_epochs": 2.0}
    >>> is_longer(one, two), is_longer(two, one), is_longer(one, {**two, "max_steps": 5})
    (True, False, False)
    """
    if before["max_steps"] > 0 and now["max_steps"] > 0:
        return bool(now["max_steps"] > before["max_steps"])
    whole = before["max_steps"] < 0 and now["max_steps"] < 0
    return bool(whole and now["num_train_epochs"] > before["num_train_epochs"])


def _differs(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return canonical(current_value(name, before[name])) != canonical(current_value(name, now.get(name)))


def _names(files: list[dict[str, object]]) -> str:
    return ", ".join(str(file["name"]) for file in files)
