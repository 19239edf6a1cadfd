"""The model card: README.md of an adapter's folder, for people who get it from the Hub."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from harness.locale import Language, Text, listing, tr
from harness.types import PromptContract
from reports.formatting import MISSING, markdown_cell, number, percent
from reports.wording import words
from trainers.adapter.card_evaluations import evaluations_section
from trainers.adapter.card_scores import BEGIN, END, scores_section
from trainers.adapter.card_usage import Say, coded, evaluation_command, fenced, usage
from trainers.adapter.model_index import front_matter, index_text, with_model_index
from trainers.adapter.scores import ScoreRow
from trainers.adapter.training_record import (
    CHAT_TEMPLATE,
    CURVE,
    LOG,
    RECORD,
    DataFile,
    TrainingOutcome,
    TrainingRecord,
)

_TOLD = frozenset({"summary", "data", "data_license"})  # entries of a recipe that stand elsewhere in the card
_SCORES = tr("Scores")
_MINUTE = 60
_HOUR = 3600


def card_text(
    record: TrainingRecord,
    *,
    name: str,
    contract: PromptContract | None,
    curve: bool,
    place: str | None = None,
    scores: Sequence[ScoreRow] = (),
    language: Language = "en",
) -> str:
    """Return the card as Markdown with YAML front matter, as the Hub reads it.

    A licence is put into the front matter where the data's was stated, as one of its own name: the base's terms hold as
    well. Else people must find it out; what they add by hand stays.

    Args:
        record: What went into the training and what came out.
        name: The adapter's name: its folder's, or the repository's on the Hub.
        contract: The prompt that it was trained with; None if that is not on record.
        curve: Whether the picture of the loss lies beside the card.
        place: What its commands call the adapter: the folder as typed. By default its name.
        scores: Rows of finished runs; empty if it was not evaluated yet.
        language: That of its words; names of settings stay what they are.
    """
    place = place or name
    say = words(language).sentence
    evaluation = scores_section(scores, language) if scores else _not_evaluated(record, place, say)
    sections = (
        (tr("Base model"), _base(record, say)),
        (tr("Use"), usage(record, place, contract, say)),
        (tr("Prompt"), _prompt(record, contract, say)),
        (tr("Recipe"), _recipe(record, say)),
        (tr("Data"), _data(record, say)),
        (tr("Training"), _training(record, say, curve=curve)),
        *_judged(record, language),
        (tr("Versions"), _versions(record.versions, say)),
        (_SCORES, f"{BEGIN}\n{evaluation}\n{END}"),
    )
    parts = [f"# {markdown_cell(name)}", say(_summary(record))]
    parts += [f"## {say(title)}\n\n{text}" for title, text in sections]
    return f"---\n{front_matter(record)}{index_text(name, scores)}---\n" + "\n\n".join(parts) + "\n"


def update_scores(text: str, scores: Sequence[ScoreRow], language: Language = "en") -> str:
    r"""Return a card with other scores: what stands between the two markers is replaced, all else stays as it is.

    The front matter's scores for the Hub are replaced, too (see `trainers.adapter.model_index`). Where the markers are
    gone, the section is put at the end. ``scores`` has at least one row.

    >>> from trainers.adapter.scores import Score, ScoreRow
    >>> score = Score(task="t", judge="rules", model="m", prompt=None, scale=(0, 1), mean=0.5, low=0.4, high=0.6,
    ...               confidence=0.95, n=20, n_unscored=0, method="wilson")
    >>> new = update_scores("# Mine\n<!-- scores: begin -->\nold\n<!-- scores: end -->\nby hand\n",
    ...                     [ScoreRow(run="r", date="", score=score)])
    >>> "old" in new, new.partition("-->")[0], new.rpartition("<!--")[2]
    (False, '# Mine\n<!-- scores: begin ', ' scores: end -->\nby hand\n')
    """
    text = with_model_index(text, scores)
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    section = scores_section(scores, language).replace("\n", end_of_line)
    # The last pair: an earlier one may be quoted in a command or a template.
    ends = list(re.finditer(rf"^{re.escape(END)}[ \t]*\r?$", text, re.MULTILINE))
    begins = (
        list(re.finditer(rf"^{re.escape(BEGIN)}[ \t]*\r?\n", text[: ends[-1].start()], re.MULTILINE)) if ends else []
    )
    if begins:
        return f"{text[: begins[-1].end()]}{section}{end_of_line}{text[ends[-1].start() :]}"
    lines = ["", f"## {words(language).sentence(_SCORES)}", "", BEGIN, section, END, ""]
    return text.rstrip() + end_of_line + end_of_line.join(lines)


def _summary(record: TrainingRecord) -> Text:
    how = tr("QLoRA, 4-bit nf4") if record.quantization == "nf4" else "LoRA"
    said: dict[str, Any] = {"how": how, "dtype": markdown_cell(record.dtype), "samples": record.samples}
    said |= {"base": coded(record.base), "recipe": coded(record.recipe_name)}
    if record.recipe.get("objective") == "dpo":
        return tr(
            "A LoRA adapter for {base}: preference tuning ({how}, {dtype}) on {samples:,} pairs of a better and a "
            "worse answer with the recipe {recipe} of ja-harness.",
            **said,
        )
    return tr(
        "A LoRA adapter for {base}: supervised fine-tuning ({how}, {dtype}) on {samples:,} samples with the recipe "
        "{recipe} of ja-harness.",
        **said,
    )


def _base(record: TrainingRecord, say: Say) -> str:
    rows = [
        (tr("Model"), coded(record.base)),
        (tr("Revision"), coded(record.base_revision) if record.base_revision else tr("none: not from the Hub")),
        (tr("Identity of its weights"), coded(record.base_digest)),
        (tr("Quantisation in training"), markdown_cell(record.quantization)),
        (tr("Computed in"), markdown_cell(record.dtype)),
    ]
    return _table(rows, [tr("What"), tr("Value")], say)


def _prompt(record: TrainingRecord, contract: PromptContract | None, say: Say) -> str:
    named = say(tr("Template {name}, sha256 {sha256}.", name=coded(record.prompt), sha256=coded(record.prompt_sha256)))
    if contract is None:
        missing = tr("{template} There is no prompt contract beside this card: its tokens are not on record.",
                     template=named)  # fmt: skip
        return say(missing)
    bos, eos = contract.bos, contract.eos
    start: str = tr("the tokenizer has none")
    if bos.id is not None:
        start = tr("{token} (id {id}), {policy}", token=coded(bos.token or ""), id=bos.id, policy=bos.policy)
    end = tr("{token} (id {id}), {policy}", token=coded(eos.token or ""), id=eos.id, policy=eos.policy)
    points = [
        tr("Beginning of sequence: {start}.", start=start),
        tr("End of sequence: {end}. Let it end the answer.", end=end),
        tr(
            "Format: {format}. A prompt that becomes other tokens is another prompt, and the scores below do not hold "
            "for it.",
            format=contract.format,
        ),
    ]
    listed = "\n".join(f"- {say(point)}" for point in points)
    parts = [named, fenced(contract.template_text, "jinja"), listed]
    if contract.chat_template is not None:
        own = tr("Messages are written by this chat template, {file} in this folder, in place of the base's own:",
                 file=coded(CHAT_TEMPLATE))  # fmt: skip
        parts += [say(own), fenced(contract.chat_template, "jinja")]
    return "\n\n".join(parts)


def _recipe(record: TrainingRecord, say: Say) -> str:
    rows = []
    for key, value in _flat(record.recipe):
        if key in _TOLD:
            continue
        changed = key in record.changed
        source = (
            say(tr("**changed with `--set`**"))
            if changed
            else markdown_cell(say(tr(str(record.sources.get(key) or MISSING))))
        )
        rows.append(
            (f"**{markdown_cell(key)}**" if changed else markdown_cell(key), markdown_cell(_value(value)), source)
        )
    summary = record.recipe.get("summary")
    told = markdown_cell(say(tr(str(summary)))) if summary else ""
    named = say(tr("Recipe {name}.", name=coded(record.recipe_name)))
    table = _table(rows, [tr("Setting"), tr("Value"), tr("Where it comes from")], say)
    return f"{named} {told}".rstrip() + f"\n\n{table}"


def _data(record: TrainingRecord, say: Say) -> str:
    rows = [_data_row(file) for file in record.data]
    headers = [
        tr("Source"),
        "sha256",
        tr("Rows, or answers of chats"),
        tr("Unusable"),
        tr("Refused: equal to a benchmark's task"),
    ]
    align = ["left", "left", "right", "right", "right"]
    if any(file.taken is not None for file in record.data):
        headers += [tr("Share asked for"), tr("Taken"), tr("Times an epoch")]
        align += ["right"] * 3
        rows = [(*row, *_mixed(file)) for row, file in zip(rows, record.data, strict=True)]
    table = _table(rows, headers, say, align)
    counts = tr(
        "{samples:,} samples were trained on and {heldout:,} held out; {truncated:,} were cut at the maximum length.",
        samples=record.samples,
        heldout=record.heldout,
        truncated=record.truncated,
    )
    terms = tr("**Licence of the data:** {name}", name=markdown_cell(record.data_license or ""))
    if record.data_license is None:
        terms = tr(
            "**Licence of the data: not stated.** That does not make the data free: its terms (no commercial use, "
            "share-alike, attribution) may reach this adapter. Find out what they are before you publish or use it."
        )
    both = tr("{terms} The terms of the base model hold as well.", terms=terms)
    return f"{table}\n\n{say(counts)}\n\n{say(both)}"


def _data_row(file: DataFile) -> tuple[str, ...]:
    return markdown_cell(file.name), coded(file.sha256), str(file.rows), str(file.bad), str(file.refused)


def _mixed(file: DataFile) -> tuple[str, str, str]:
    share = MISSING if file.share is None else percent(file.share)
    return share, MISSING if file.taken is None else number(file.taken, 0), f"{file.times:g}"


def _training(record: TrainingRecord, say: Say, *, curve: bool) -> str:
    parts = []
    if curve:
        seen = tr("Training and held-out loss over the optimizer steps, with the learning rate")
        parts.append(f"![{say(seen)}]({CURVE})")
    if record.outcome is None:
        parts.append(say(tr("The training has not finished: there is no outcome yet.")))
    else:
        parts.append(_table(_outcome(record, record.outcome), [tr("What"), tr("Value")], say))
    parts.append(
        say(
            tr(
                "The whole record is in {record}, every step in {log}. The command:",
                record=f"[{RECORD}]({RECORD})",
                log=f"[{LOG}]({LOG})",
            )
        )
    )
    parts.append(fenced(record.command or say(tr("not on record")), "console"))
    return "\n\n".join(parts)


def _judged(record: TrainingRecord, language: Language) -> list[tuple[Text, str]]:
    if record.outcome is None or record.outcome.evaluations is None:
        return []
    return [(tr("Judged on the way"), evaluations_section(record.outcome.evaluations, words(language)))]


def _outcome(record: TrainingRecord, outcome: TrainingOutcome) -> list[tuple[str, str]]:
    measured = outcome.heldout_loss_before is not None or outcome.heldout_loss is not None
    rows: list[tuple[str, str]] = [
        (tr("Optimizer steps"), _steps(outcome)),
        *_lengths(record),
        (tr("Training loss, first and last (nats per trained token)"), _fall(outcome.first_loss, outcome.last_loss)),
        *([(tr("Held-out loss, before and after"), _heldout(outcome))] if measured else []),
        *_pairs(outcome),
        (tr("Trained tokens"), f"{outcome.tokens:,}"),
        (tr("Time"), _duration(outcome.seconds)),
        (tr("Peak memory"), _memory(outcome)),
        (tr("Device"), markdown_cell(record.device)),
        (tr("Processes"), _processes(record)),
    ]
    return rows


def _processes(record: TrainingRecord) -> str:
    last = record.sessions[-1].cut if record.sessions else None
    if last is None or last.shards == 1:
        return str(record.processes)
    return tr("{n}, which shared the base's weights", n=record.processes)


def _lengths(record: TrainingRecord) -> list[tuple[str, str]]:
    """Return for how many steps a training was planned at first and later on, if it was made longer."""
    lengths = {one.steps: one.after_step for one in reversed(record.sessions) if one.steps is not None}
    if len(lengths) < 2:  # noqa: PLR2004 - one length is the usual case
        return []
    parts = [tr("{n} from step {step} on", n=number(n, 0), step=number(after, 0)) for n, after in lengths.items()]
    return [(tr("Planned for"), listing(parts[::-1]))]


def _pairs(outcome: TrainingOutcome) -> list[tuple[str, str]]:
    """Return what a training on pairs came to on those that were held out."""
    if outcome.heldout_margin is None or outcome.heldout_accuracy is None:
        return []
    margin = _fall(outcome.heldout_margin_before, outcome.heldout_margin)
    return [
        (tr("Held-out margin, before and after (nats)"), margin),
        (tr("Held-out pairs told apart rightly"), f"{outcome.heldout_accuracy:.0%}"),
    ]


def _steps(outcome: TrainingOutcome) -> str:
    steps = number(outcome.steps, 0)
    return tr("{steps}, stopped early", steps=steps) if outcome.stopped_early else steps


def _heldout(outcome: TrainingOutcome) -> str:
    """Return the held-out losses, and which step the adapter is of where they chose it: the lowest flatters."""
    losses = _fall(outcome.heldout_loss_before, outcome.heldout_loss)
    if outcome.kept_step is None or outcome.heldout_measured is None:
        return losses
    return tr(
        "{losses} (adapter of step {step}, the lowest of {measured} measurements, so a little too low)",
        losses=losses,
        step=number(outcome.kept_step, 0),
        measured=outcome.heldout_measured,
    )


def _memory(outcome: TrainingOutcome) -> str:
    if outcome.peak_gib is None:
        return MISSING
    peak = number(outcome.peak_gib, 1)
    if outcome.planned_gib is None:
        return f"{peak} GiB"
    return tr("{peak} GiB (planned: {planned})", peak=peak, planned=number(outcome.planned_gib, 1))


def _fall(before: float | None, after: float | None) -> str:
    return f"{number(before, 3)} → {number(after, 3)}"


def _duration(seconds: float) -> Text:
    """Return a time in words.

    >>> _duration(42.4), _duration(754), _duration(7500)
    ('42 s', '12 min 34 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < _MINUTE:
        return tr("{n} s", n=whole)
    if whole < _HOUR:
        return tr("{minutes} min {seconds} s", minutes=whole // _MINUTE, seconds=whole % _MINUTE)
    return tr("{hours} h {minutes} min", hours=whole // _HOUR, minutes=whole % _HOUR // _MINUTE)


def _versions(versions: Mapping[str, str], say: Say) -> str:
    if not versions:
        return say(tr("Not on record."))
    rows = [(markdown_cell(name), markdown_cell(value)) for name, value in versions.items()]
    return _table(rows, [tr("Package"), tr("Version")], say)


def _not_evaluated(record: TrainingRecord, place: str, say: Say) -> str:
    told = tr(
        "This adapter was not evaluated yet. To compare it with its base on a small set, then show the scores here:"
    )
    commands = f"{evaluation_command(record, place)} --run first\nharness card {shlex.quote(place)} --run first"
    return f"{say(told)}\n\n{fenced(commands, 'console')}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested settings as dotted names."""
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return rows


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_value(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], say: Say, align: Sequence[str] | None = None) -> str:
    return tabulate(
        [list(map(say, row)) for row in rows],
        headers=list(map(say, headers)),
        tablefmt="github",
        colalign=align if rows else None,
        disable_numparse=True,
    )
