"""Everything that is settled before a weight is loaded: data, base, tokens, contract and memory."""

import importlib.metadata
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from harness.errors import TrainingDataError, UsageError
from harness.locale import Language, Text, tr, trn
from harness.models.hf.adapters import CONFIG as ADAPTER_CONFIG
from harness.models.hf.memory import available_bytes
from harness.models.hf.resolved_base import ResolvedBase, resolve_base
from harness.models.hf.sources import split_revision
from harness.models.hf.tokens import Encoder
from harness.models.hf.unread import refuse_unread
from harness.templates import Template, load_template
from harness.types import PromptContract, Sample
from trainers.adapter.training_record import DataFile, TrainingRecord
from trainers.balancing import largest_share
from trainers.chat_format import chat_encoder, contract_of, sha256_of_text
from trainers.constraints import constraints_of, optimizer_of
from trainers.counts import samples_said, steps_said
from trainers.data.contamination import Hit, find_hits, index, known_benchmarks, refused_said
from trainers.data.examples import BadRow, Example, read_examples, split_heldout
from trainers.data.mixing import mix, repeated
from trainers.data.near_duplicates import DEFAULT_NEAR
from trainers.data.preference_rows import read_preferences
from trainers.data.sources import parse_sources
from trainers.encoding import Encoded, EncodedSet, SampleEncoder, remedy
from trainers.evaluations.asked import EvaluationsAsked
from trainers.items import item_lengths, whole
from trainers.launch import world
from trainers.memory_plan import MemoryConstraints, MemoryPlan, ModelShape, plan_memory
from trainers.recipe import NamedRecipe, Recipe
from trainers.sharding import choose_plan
from trainers.shown import shown_values
from trainers.start import Start, check_prompt
from trainers.training.model import model_shape, take_device, total_bytes

_STEPS_DRAWN = {"cuda": 64, "cpu": 0}  # steps by which it is decided how batches are cut; 0: by the largest
_LIBRARIES = ("ja-harness", "torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What the user asks for: a recipe, data, a base as typed, and the benchmarks that must not be trained on.

    ``start``: the adapter that training goes on from, whose shape the recipe has · ``near``: the share of a task's
    trigrams from which on a sample counts as its copy; None: only where it equals it · ``evaluations``: what the
    adapter is asked on the way.
    """

    recipe: NamedRecipe
    data: tuple[str, ...]
    base: str
    columns: Mapping[str, str]
    strict: bool = False
    against: Mapping[str, Sequence[Sample]]
    start: Start | None = None
    evaluations: EvaluationsAsked | None = None
    near: float | None = DEFAULT_NEAR
    dtype: str | None = None
    settings: Mapping[str, Any]
    command: str = ""
    language: Language = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A training that is ready to start. ``bad`` and ``refused`` rows are not in it; ``notices`` are for people."""

    request: TrainingRequest
    base: ResolvedBase
    encoder: Encoder
    template: Template
    train: EncodedSet
    heldout: tuple[Encoded, ...]
    bad: tuple[BadRow, ...]
    refused: tuple[Text, ...]
    contract: PromptContract
    shape: ModelShape
    constraints: MemoryConstraints
    notices: tuple[str, ...]
    record: TrainingRecord

    @property
    def recipe(self) -> Recipe:
        """The hyperparameters."""
        return self.request.recipe.values

    @property
    def items(self) -> int:
        """How many samples are trained on: answers, or pairs of them."""
        return len(self.train.samples) // self.recipe.each

    @property
    def steps(self) -> int:
        """The optimizer steps of the whole training."""
        return self.steps_of(self.recipe.max_steps, self.recipe.num_train_epochs)

    def steps_of(self, max_steps: int, epochs: float) -> int:
        """Return the optimizer steps of a training of another length on the same samples."""
        if max_steps > 0:
            return max_steps
        return math.ceil(math.ceil(self.items / self.recipe.batch_size) * epochs)

    @property
    def longest(self) -> int:
        """The tokens of the longest sample, of a pair both answers with their prompt."""
        return max(item_lengths((*self.train.samples, *self.heldout), self.recipe.each))

    def plan(self, *, world: int = 1, memory: int | None = None, shard: bool | None = None) -> MemoryPlan:
        """Return how batches are cut on this machine, or on devices of ``memory`` bytes.

        ``shard`` says whether the processes share the base's weights, whatever the recipe does.

        Raises:
            HarnessError: it does not fit.
        """
        recipe = self.recipe if shard is None else replace(self.recipe, shard=shard)
        return choose_plan(recipe, partial(self._planned, memory), world=world, device=self.base.numerics.device)

    def shape_with(self, shards: int) -> ModelShape:
        """Return the shape of what one process holds where so many share the base's weights."""
        return self.shape.sharded(shards) if shards > 1 else self.shape

    def _planned(self, memory: int | None, world: int, shards: int) -> MemoryPlan:
        lengths = sorted(item_lengths(self.train.samples, self.recipe.each), reverse=True)
        batch = range(min(self.recipe.batch_size, len(lengths)))
        device, constraints = self.base.numerics.device, self.constraints
        dice = random.Random(0)  # noqa: S311 - steps as they may come
        drawn = [dice.sample(range(len(lengths)), len(batch)) for _ in range(_STEPS_DRAWN[device])]
        if shards > 1 and constraints.dequantize is None:  # four times the bytes would travel
            constraints = replace(constraints, dequantize=False)
        plan = plan_memory(
            self.shape_with(shards),
            constraints,
            available=available_bytes(device) if memory is None else memory,
            longest=self.longest,
            batch_tokens=largest_share(batch, lengths, world),
            steps=[largest_share(step, lengths, world) for step in drawn],
            total=total_bytes(device) if memory is None else memory,
        )
        return replace(plan, shards=shards)


def prepare(request: TrainingRequest, say: Callable[[str], None]) -> Prepared:
    """Read and check everything; nothing is written and no weight is loaded.

    Raises:
        HarnessError: whatever cannot be trained on, with the place and the next step.
    """
    take_device()
    recipe = request.recipe.values
    template = load_template(recipe.prompt)
    read = read_preferences if recipe.objective == "dpo" else read_examples
    sources = parse_sources(request.data)
    examples = read([source.path for source in sources], columns=request.columns, strict=request.strict)
    clean, refused, files = _refuse_contaminated(examples.examples, examples.files, request)
    if request.strict and refused:
        raise TrainingDataError(tr("--strict: {refused}.", refused=_first(refused)), hint=tr("Take these rows out."))
    mixture = mix(clean, files, sources, each=recipe.each, seed=recipe.seed, total=recipe.mixture_samples)
    wanted = recipe.heldout * (recipe.each if isinstance(recipe.heldout, int) else 1)
    training, held = split_heldout(mixture.examples, wanted, recipe.seed)
    base = _base(request)
    config, encoder = base.config(), chat_encoder(base.encoder(), template, recipe, request.start)
    if request.start is not None:
        check_prompt(request.start, template, encoder)
    samples = _sample_encoder(encoder, template, recipe, base.end(encoder))
    say(
        tr(
            "Encoding {samples} with {template} ...",
            samples=trn("{n} sample", "{n} samples", len(mixture.examples) // recipe.each),
            template=template.name,
        )
    )
    train, heldout = _encoded(samples, training, held, recipe.each)
    if request.strict and train.left_out:
        raise TrainingDataError(
            tr("--strict: {left_out}.", left_out=_first([row.said for row in train.left_out])),
            hint=tr("Mend them, or leave out --strict to train on the others."),
        )
    again = repeated(train.samples, mixture.times, each=recipe.each, seed=recipe.seed)
    train = replace(train, samples=again, notices=(*mixture.remarks, *train.notices))
    contract = contract_of(samples)
    _check_context(config, max(map(len, (*train.samples, *heldout))))
    prepared = Prepared(
        request=request,
        base=base,
        encoder=encoder,
        template=template,
        train=train,
        heldout=heldout,
        bad=(*examples.bad, *train.left_out),
        refused=tuple(refused),
        contract=contract,
        shape=model_shape(base, config, recipe),
        constraints=constraints_of(recipe, base.numerics, config),
        notices=(),
        record=_record(request, base, samples, mixture.files, train, heldout),
    )
    return replace(prepared, notices=tuple(_notices(prepared)))


def _first(rows: Sequence[Text]) -> Text:
    more = tr("{row}, and {n:,} more", row=rows[0], n=len(rows) - 1)
    return more if len(rows) > 1 else rows[0]


def _sample_encoder(encoder: Encoder, template: Template, recipe: Recipe, end: frozenset[int]) -> SampleEncoder:
    return SampleEncoder(
        encoder, template, loss=recipe.loss, max_length=recipe.max_length, overlong=recipe.overlong, end=end
    )


def _refuse_contaminated(
    examples: Sequence[Example], files: Sequence[DataFile], request: TrainingRequest
) -> tuple[list[Example], list[Text], tuple[DataFile, ...]]:
    """Return what may be trained on, what is refused with the reason, and the files with the refused counted."""
    benchmarks = [*known_benchmarks(), *(index(name, samples) for name, samples in request.against.items())]
    first: dict[str, Hit] = {}
    for hit in find_hits(examples, benchmarks, near=request.near):
        first.setdefault(hit.where, hit)
    refused = [hit.said for hit in first.values()]
    kept = [example for example in examples if example.where not in first]
    if not kept:
        raise TrainingDataError(
            tr(
                "All {n_examples} samples are tasks of a benchmark (first: {refused}).",
                n_examples=len(examples) // request.recipe.values.each,
                refused=refused[0],
            ),
            hint=tr("A model trained on them cannot be evaluated with them: use other data."),
        )
    each = request.recipe.values.each
    remaining = iter(examples)  # in the order of the files
    counted = tuple(
        replace(file, refused=sum(example.where in first for example in islice(remaining, each * good)) // each)
        for file in files
        for good in [file.rows - file.bad]
    )
    return kept, refused, counted


def _encoded(
    samples: SampleEncoder, training: Sequence[Example], held: Sequence[Example], each: int
) -> tuple[EncodedSet, tuple[Encoded, ...]]:
    """Return what is trained on, with all that is left out, and what is held out."""
    encoded = samples.encode_all([*training, *held])
    places = {example.where for example in held}
    usable = whole(encoded.samples, each)
    train = tuple(sample for sample in usable if sample.where not in places)
    heldout = tuple(sample for sample in usable if sample.where in places)
    for what, wanted, usable, otherwise in (
        (tr("to train on"), training, train, None),
        (tr("held out"), held, heldout, tr("Hold out more, or nothing: --set heldout=0")),
    ):
        if wanted and not usable:
            raise TrainingDataError(
                tr(
                    "None of the {n_wanted} {what} can be used: {left_out}.",
                    n_wanted=samples_said(len(wanted)),
                    what=what,
                    left_out=_first([row.said for row in encoded.left_out]),
                ),
                hint=otherwise or remedy(encoded.left_out[0]),
            )
    return replace(encoded, samples=train), heldout


def _base(request: TrainingRequest) -> ResolvedBase:
    """Return the base that is to be trained on."""
    folder = Path(request.base).expanduser()
    holds_adapter = (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").exists()
    if request.base.startswith("adapter:") or holds_adapter:
        raise UsageError(
            tr("--base {base} is an adapter; a new adapter is trained on a base model.", base=request.base),
            hint=tr("Name the model, for example --base llm-jp/llm-jp-3-13b."),
        )
    recipe = request.recipe.values
    settings = {**request.settings, "double_quant": recipe.double_quant}
    named = (request.start.base, request.start.revision) if request.start else split_revision(request.base)
    refuse_unread(named[0], settings, quantization=recipe.quantization, dtype=request.dtype)
    base = resolve_base(*named, settings, quantization=recipe.quantization, dtype=request.dtype)
    if (base.numerics.device, base.numerics.dtype_name) == ("cpu", "float16"):
        raise UsageError(
            tr("float16 can only be trained on a GPU, and there is none here."),
            hint=tr("Take --dtype float32 or --dtype bfloat16."),
        )
    return base


def _check_context(config: Any, longest: int) -> None:  # noqa: ANN401 - transformers is untyped
    context = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
    if context is not None and longest > context:
        raise TrainingDataError(
            tr(
                "The longest sample has {longest:,} tokens, and the base takes no more than {context:,}.",
                longest=longest,
                context=context,
            ),
            hint=tr(
                "Cut there: --set max_length={context} (with --set overlong=drop such samples are left out).",
                context=context,
            ),
        )


def _notices(prepared: Prepared) -> list[str]:
    recipe, notices = prepared.recipe, list(prepared.train.notices)
    start = prepared.request.start
    if start is not None and start.notice is not None:
        notices.insert(0, start.notice)
    if prepared.steps <= recipe.warmup_steps + 1:
        told = tr("{steps} trains almost nothing (take more data, more epochs)", steps=steps_said(prepared.steps))
        warming = tr(
            "{steps} with warmup_steps {warmup}: the learning rate does not get past its warmup, so this trains almost "
            "nothing (take more data, more epochs or --set warmup_steps=0)",
            steps=steps_said(prepared.steps),
            warmup=recipe.warmup_steps,
        )
        notices.append(warming if recipe.warmup_steps else told)
    if prepared.refused:
        notices.append(refused_said(len(prepared.refused), prepared.request.near))
    if prepared.bad:
        notices.append(trn("{n:,} row left out", "{n:,} rows left out", len(prepared.bad)))
    if not prepared.encoder.has_bos and prepared.template.bos == "once":
        notices.append(tr("the tokenizer has no beginning-of-sequence token; none is added"))
    return notices


def _record(  # noqa: PLR0917 - what a record is made of
    request: TrainingRequest,
    base: ResolvedBase,
    samples: SampleEncoder,
    files: Sequence[DataFile],
    train: EncodedSet,
    heldout: Sequence[Encoded],
) -> TrainingRecord:
    recipe, numerics = request.recipe, base.numerics
    return TrainingRecord(
        base=request.base,
        base_revision=base.source.commit,
        base_digest=base.source.digest,
        recipe_name=recipe.name,
        recipe=shown_values(recipe.values),
        changed=recipe.changed,
        sources=recipe.sources,
        prompt=samples.template.name,
        prompt_sha256=samples.template.sha256,
        chat_template_sha256=sha256_of_text(samples.encoder.chat_template),
        data=tuple(files),
        samples=len(train.samples) // recipe.values.each,
        heldout=len(heldout) // recipe.values.each,
        truncated=train.truncated,
        data_license=recipe.values.data_license,
        quantization=numerics.quantization,
        dtype=numerics.dtype_name,
        device=numerics.device,
        optimizer=optimizer_of(recipe.values, numerics),
        processes=world()[1],
        versions={name: _version(name) for name in _LIBRARIES},
        command=request.command,
        start=Path(request.start.adapter.name).name if request.start else None,
        start_sha256=request.start.sha256 if request.start else None,
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
