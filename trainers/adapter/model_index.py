"""A card's front matter, as the Hub reads it; scores are its ``model-index``, a metric for each judge.

What a figure means stands beside it, in each metric's ``args``: the judge, its scale, how many answers were scored and
how many were not, the interval.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from trainers.adapter.card_usage import hub_base, is_hub_id
from trainers.adapter.scores import Score, ScoreRow
from trainers.adapter.training_record import TrainingRecord

_KEY = "model-index"
_ON_THE_HUB = {"elyza-tasks-100": "elyza/ELYZA-tasks-100"}
_FRONT = re.compile(r"\A(?P<open>---[ \t]*\r?\n)(?P<data>.*?)(?P<close>^---[ \t]*\r?$)", re.DOTALL | re.MULTILINE)
_OWN = re.compile(rf"^{_KEY}:.*\n(?:(?:[ \t-].*)?\n)*", re.MULTILINE)  # up to the next key at the margin
_TITLE = re.compile(r"^# (.+?)\r?$", re.MULTILINE)


def model_index(name: str, scores: Sequence[ScoreRow]) -> list[dict[str, Any]]:
    """Return the entry of an adapter: its own rows, of each task set a result; empty if none has a mean."""
    results: dict[str, dict[str, Any]] = {}
    for row in scores:
        if row.is_baseline or row.score.mean is None:
            continue
        task = row.score.task
        result = results.setdefault(
            task,
            {
                "task": {"type": "text-generation"},
                "dataset": {"name": task, "type": _ON_THE_HUB.get(task, _slug(task))},
                "metrics": [],
            },
        )
        result["metrics"].append(_metric(row.run, row.score))
    return [{"name": name, "results": list(results.values())}] if results else []


def _metric(run: str, score: Score) -> dict[str, Any]:
    low, high = score.scale
    told = {
        "judge": score.judge,
        "kind": score.kind,
        "scale": [low, high],
        "n": score.n,
        "n_unscored": score.n_unscored,
        "interval": None if score.low is None or score.high is None else [score.low, score.high],
        "confidence": score.confidence,
        "prompt": score.prompt,
        "run": run,
    }
    return {
        "type": "mean_score",
        "name": f"mean score by {score.judge} ({low:g}-{high:g}), n = {score.n}",
        "value": score.mean,
        "args": {key: value for key, value in told.items() if value is not None},
    }


def with_model_index(text: str, scores: Sequence[ScoreRow]) -> str:
    """Return a card whose front matter has these scores in place of earlier ones; every other key stays as it stands.

    A card without front matter has none afterwards: somebody took it out.
    """
    found = _FRONT.match(text)
    if found is None:
        return text
    data = found["data"].replace("\r\n", "\n")
    title = _TITLE.search(text, found.end())
    kept = _OWN.sub("", data)
    added = index_text(_name(data) or (title[1] if title else "adapter"), scores)
    end_of_line = "\r\n" if "\r\n" in found[0] else "\n"
    body = (kept + added).replace("\n", end_of_line)
    return f"{found['open']}{body}{found['close']}{text[found.end() :]}"


def index_text(name: str, scores: Sequence[ScoreRow]) -> str:
    """Return the entry as YAML, nothing without scores."""
    entry = model_index(name, scores)
    return str(yaml.safe_dump({_KEY: entry}, allow_unicode=True, sort_keys=False)) if entry else ""


def _name(data: str) -> str | None:
    """Return the name that an earlier entry had."""
    own = _OWN.search(data)
    try:
        entry = yaml.safe_load(own[0]) if own else None
    except yaml.YAMLError:
        return None
    first = entry[_KEY][0] if isinstance(entry, Mapping) and isinstance(entry.get(_KEY), list) and entry[_KEY] else {}
    return str(first["name"]) if isinstance(first, Mapping) and first.get("name") else None


def _slug(task: str) -> str:
    return re.sub(r"[^\w.-]+", "-", task).strip("-") or "task"


def front_matter(record: TrainingRecord) -> str:
    """Return what the Hub reads of a card beside its scores: base, kind, language, licence, data and tags."""
    base = hub_base(record)
    data: dict[str, Any] = {}
    if base is not None:  # the Hub takes its own names alone
        data |= {"base_model": base, "base_model_relation": "adapter"}
    data |= {"library_name": "peft", "pipeline_tag": "text-generation", "language": "ja"}
    if record.data_license:
        data |= {"license": "other", "license_name": _license_name(record.data_license)}
    datasets = [file.name for file in record.data if is_hub_id(file.name)]
    if datasets:
        data["datasets"] = datasets
    kinds = [name for name in ("rslora", "dora") if record.recipe.get(f"use_{name}")]
    kinds += ["qlora"] if record.quantization == "nf4" else []
    data["tags"] = ["lora", *kinds, "dpo" if record.recipe.get("objective") == "dpo" else "sft", "ja-harness"]
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))


def _license_name(name: str) -> str:
    """Return a name as the Hub takes a licence's: lower case, in one word.

    >>> _license_name("CC BY-NC-SA 4.0")
    'cc-by-nc-sa-4.0'
    """
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-")
