"""A recipe's values as a record has them, which is published: files by their names, without their folders."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainers.data.examples import shown_name
from trainers.recipe import Recipe


def shown_values(recipe: Recipe) -> dict[str, Any]:
    """Return every value, those that may name a place on this machine by its last part.

    >>> values = shown_values(Recipe(data=("/home/me/a.json:0.7",), sample_prompts="/home/me/few.txt"))
    >>> values["data"], values["sample_prompts"], values["lora_r"]
    (['a.json:0.7'], 'few.txt', 16)
    """
    shown: dict[str, Any] = {
        "data": [shown_name(source) for source in recipe.data],
        "eval_tasks": _without_folder(recipe.eval_tasks),
    }
    if recipe.chat_template_path:
        shown["chat_template_path"] = shown_name(recipe.chat_template_path)
    if isinstance(recipe.sample_prompts, str):
        shown["sample_prompts"] = shown_name(recipe.sample_prompts)
    return {**asdict(recipe), **shown}


def _without_folder(tasks: str) -> str:
    """Return NAME or NAME=PATH without the folder: a record of it is published.

    >>> _without_folder("bundled:ja-mini"), _without_folder("dev=/home/me/dev.jsonl")
    ('bundled:ja-mini', 'dev=dev.jsonl')
    """
    name, equals, path = tasks.partition("=")
    return f"{name}{equals}{Path(path).name}" if equals else name
