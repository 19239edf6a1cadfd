"""The model card: README.md of an adapter's folder, for people who get it from the Hub."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from tabulate import tabulate

from harness.types import PromptContract
from reports.formatting import MISSING, markdown_cell, number
from trainers.adapter.card_scores import BEGIN, END, scores_section
from trainers.adapter.card_usage import coded, evaluation_command, fenced, hub_base, is_hub_id, usage
from trainers.adapter.scores import ScoreRow
from trainers.adapter.training_record import CURVE, LOG, RECORD, DataFile, Outcome, TrainingRecord

_TOLD = frozenset({"summary", "data_license"})  # entries of a recipe that stand elsewhere in the card
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
    """
    place = place or name
    evaluation = scores_section(scores) if scores else _not_evaluated(record, place)
    parts = [
        f"# {markdown_cell(name)}",
        _summary(record),
        f"## Base model\n\n{_base(record)}",
        f"## Use\n\n{usage(record, place, contract)}",
        f"## Prompt\n\n{_prompt(record, contract)}",
        f"## Recipe\n\n{_recipe(record)}",
        f"## Data\n\n{_data(record)}",
        f"## Training\n\n{_training(record, curve=curve)}",
        f"## Versions\n\n{_versions(record.versions)}",
        f"## Scores\n\n{BEGIN}\n{evaluation}\n{END}",
    ]
    return f"---\n{_front_matter(record)}---\n" + "\n\n".join(parts) + "\n"


def update_scores(text: str, scores: Sequence[ScoreRow]) -> str:
    r"""Return a card with other scores: what stands between the two markers is replaced, all else stays as it is.

    Where the markers are gone, the section is put at the end. ``scores`` has at least one row.

    >>> from trainers.adapter.scores import Score, ScoreRow
    >>> score = Score(task="t", judge="rules", model="m", prompt=None, scale=(0, 1), mean=0.5, low=0.4, high=0.6,
    ...               confidence=0.95, n=20, n_unscored=0, method="wilson")
    >>> new = update_scores("# Mine\n<!-- scores: begin -->\nold\n<!-- scores: end -->\nby hand\n",
    ...                     [ScoreRow(run="r", date="", score=score)])
    >>> "old" in new, new.partition("-->")[0], new.rpartition("<!--")[2]
    (False, '# Mine\n<!-- scores: begin ', ' scores: end -->\nby hand\n')
    """
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    section = scores_section(scores).replace("\n", end_of_line)
    # The last pair: an earlier one may be quoted in a command or a template.
    ends = list(re.finditer(rf"^{re.escape(END)}[ \t]*\r?$", text, re.MULTILINE))
    begins = (
        list(re.finditer(rf"^{re.escape(BEGIN)}[ \t]*\r?\n", text[: ends[-1].start()], re.MULTILINE)) if ends else []
    )
    if begins:
        return f"{text[: begins[-1].end()]}{section}{end_of_line}{text[ends[-1].start() :]}"
    lines = ["", "## Scores", "", BEGIN, section, END, ""]
    return text.rstrip() + end_of_line + end_of_line.join(lines)


def _front_matter(record: TrainingRecord) -> str:
    base = hub_base(record)
    data: dict[str, Any] = {}
    if base is not None:  # the Hub takes its own names alone
        data |= {"base_model": base, "base_model_relation": "adapter"}
    data |= {"library_name": "peft", "pipeline_tag": "text-generation", "language": "ja"}
    if record.data_license:
        data |= {"license": "other", "license_name": _slug(record.data_license)}
    datasets = [file.name for file in record.data if is_hub_id(file.name)]
    if datasets:
        data["datasets"] = datasets
    data["tags"] = ["lora", *(["qlora"] if record.quantization == "nf4" else []), "sft", "ja-harness"]
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))


def _slug(name: str) -> str:
    """Return a name as the Hub takes a licence's: lower case, in one word.

    >>> _slug("CC BY-NC-SA 4.0")
    'cc-by-nc-sa-4.0'
    """
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-")


def _summary(record: TrainingRecord) -> str:
    how = "QLoRA, 4-bit nf4" if record.quantization == "nf4" else "LoRA"
    return (
        f"A LoRA adapter for {coded(record.base)}: supervised fine-tuning ({how}, {markdown_cell(record.dtype)}) on "
        f"{record.samples:,} samples with the recipe {coded(record.recipe_name)} of "
        "ja-harness."
    )


def _base(record: TrainingRecord) -> str:
    rows = [
        ("Model", coded(record.base)),
        ("Revision", coded(record.base_revision) if record.base_revision else "none: not from the Hub"),
        ("Identity of its weights", coded(record.base_digest)),
        ("Quantisation in training", markdown_cell(record.quantization)),
        ("Computed in", markdown_cell(record.dtype)),
    ]
    return _table(rows, ["What", "Value"])


def _prompt(record: TrainingRecord, contract: PromptContract | None) -> str:
    parts = [f"Template {coded(record.prompt)}, sha256 {coded(record.prompt_sha256)}."]
    if contract is None:
        return f"{parts[0]} There is no prompt contract beside this card: its tokens are not on record."
    parts.append(fenced(contract.template_text, "jinja"))
    bos, eos = contract.bos, contract.eos
    start = "the tokenizer has none" if bos.id is None else f"{coded(bos.token or '')} (id {bos.id}), {bos.policy}"
    parts.append(
        f"- Beginning of sequence: {start}.\n"
        f"- End of sequence: {coded(eos.token or '')} (id {eos.id}), {eos.policy}. Let it end the answer.\n"
        f"- Format: {contract.format}. A prompt that becomes other tokens is another prompt, and the scores below do "
        "not hold for it."
    )
    return "\n\n".join(parts)


def _recipe(record: TrainingRecord) -> str:
    rows = []
    for key, value in _flat(record.recipe):
        if key in _TOLD:
            continue
        changed = key in record.changed
        source = "**changed with `--set`**" if changed else markdown_cell(record.sources.get(key) or MISSING)
        rows.append(
            (f"**{markdown_cell(key)}**" if changed else markdown_cell(key), markdown_cell(_value(value)), source)
        )
    summary = record.recipe.get("summary")
    told = f" {markdown_cell(str(summary))}" if summary else ""
    return f"Recipe {coded(record.recipe_name)}.{told}\n\n" + _table(rows, ["Setting", "Value", "Where it comes from"])


def _data(record: TrainingRecord) -> str:
    rows = [_data_row(file) for file in record.data]
    table = _table(
        rows, ["Source", "sha256", "Rows, or answers of chats", "Unusable", "Refused: equal to a benchmark's task"],
        ["left", "left", "right", "right", "right"],
    )  # fmt: skip
    counts = (
        f"{record.samples:,} samples were trained on and {record.heldout:,} held out; {record.truncated:,} were cut "
    )
    counts += "at the maximum length."
    if record.data_license is None:
        terms = (
            "**Licence of the data: not stated.** That does not make the data free: its terms (no commercial use, "
            "share-alike, attribution) may reach this adapter. Find out what they are before you publish or use it."
        )
    else:
        terms = f"**Licence of the data:** {markdown_cell(record.data_license)}"
    return f"{table}\n\n{counts}\n\n{terms} The terms of the base model hold as well."


def _data_row(file: DataFile) -> tuple[str, ...]:
    return markdown_cell(file.name), coded(file.sha256), str(file.rows), str(file.bad), str(file.refused)


def _training(record: TrainingRecord, *, curve: bool) -> str:
    parts = []
    if curve:
        parts.append(f"![Training and held-out loss over the optimizer steps, with the learning rate]({CURVE})")
    if record.outcome is None:
        parts.append("The training has not finished: there is no outcome yet.")
    else:
        parts.append(_table(_outcome(record, record.outcome), ["What", "Value"]))
    parts.append(f"The whole record is in [{RECORD}]({RECORD}), every step in [{LOG}]({LOG}). The command:")
    parts.append(fenced(record.command or "not on record", "console"))
    return "\n\n".join(parts)


def _outcome(record: TrainingRecord, outcome: Outcome) -> list[tuple[str, str]]:
    rows = [
        ("Optimizer steps", number(outcome.steps, 0)),
        ("Training loss, first and last (nats per trained token)", _fall(outcome.first_loss, outcome.last_loss)),
        ("Held-out loss, before and after", _fall(outcome.heldout_loss_before, outcome.heldout_loss)),
        ("Trained tokens", f"{outcome.tokens:,}"),
        ("Time", _duration(outcome.seconds)),
        ("Peak memory", _memory(outcome)),
        ("Device", markdown_cell(record.device)),
        ("Processes", str(record.processes)),
    ]
    if outcome.heldout_loss_before is None and outcome.heldout_loss is None:
        del rows[2]
    return rows


def _memory(outcome: Outcome) -> str:
    if outcome.peak_gib is None:
        return MISSING
    planned = "" if outcome.planned_gib is None else f" (planned: {number(outcome.planned_gib, 1)})"
    return f"{number(outcome.peak_gib, 1)} GiB{planned}"


def _fall(before: float | None, after: float | None) -> str:
    return f"{number(before, 3)} → {number(after, 3)}"


def _duration(seconds: float) -> str:
    """Return a time in words.

    >>> _duration(42.4), _duration(754), _duration(7500)
    ('42 s', '12 min 34 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _versions(versions: Mapping[str, str]) -> str:
    if not versions:
        return "Not on record."
    return _table(
        [(markdown_cell(name), markdown_cell(value)) for name, value in versions.items()], ["Package", "Version"]
    )


def _not_evaluated(record: TrainingRecord, place: str) -> str:
    return (
        "This adapter was not evaluated yet. To compare it with its base on a small set, then show the scores here:\n\n"
        + fenced(
            f"{evaluation_command(record, place)} --run first\nharness card {shlex.quote(place)} --run first", "console"
        )
    )


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


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], align: Sequence[str] | None = None) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", colalign=align if rows else None, disable_numparse=True)
