"""Recipes: their values, where each comes from, and every way to write one wrongly."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, InputError, UnknownNameError, UsageError
from trainers.recipe import Recipe, load_recipe, recipe_names

# Decided by the memory that is there, or off unless a recipe turns them on; none changes what is learnt by default.
NO_SOURCE_NEEDED = {
    "summary",
    "data_license",
    "dequantize",
    "shard",
    "gradient_checkpointing",
    "torch_compile",
    "use_liger_kernel",
    "max_steps",
    "eval_steps",
    "heldout",
    "early_stopping_patience",
    "keep_best",
    "best_by",
    "eval_tasks",
    "eval_judge",
    "eval_every",
    "eval_limit",
    "eval_patience",
    "objective",
    "beta",
    "loss_type",
    "sft_weight",
    "label_smoothing",
    "use_rslora",
    "use_dora",
    "loraplus_lr_ratio",
    "neftune_noise_alpha",
    "data",
    "chat_template_path",
    "chat_template_kwargs",
    "mixture_samples",
    "sample_prompts",
    "sample_max_new_tokens",
    "report_to",
}


@pytest.mark.parametrize("name", recipe_names())
def test_every_hyperparameter_has_a_source(name: str) -> None:
    """All keys but those that change nothing as they stand, and every one that differs from its default."""
    recipe = load_recipe(name)
    standing = Recipe()
    needed = {item.name for item in fields(Recipe)} - NO_SOURCE_NEEDED
    needed |= {
        item.name
        for item in fields(Recipe)
        if item.name != "summary" and getattr(recipe.values, item.name) != getattr(standing, item.name)
    }
    assert set() == needed - recipe.sources.keys()
    assert [] == [key for key, source in recipe.sources.items() if not source.strip()]
    assert recipe.values.summary


def test_article_holds_the_articles_settings_and_says_why_not_one_step() -> None:
    """The list in FACTS.md ("The article's SFT settings"), with max_steps −1."""
    recipe = load_recipe("article")
    expected = {
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "num_train_epochs": 1,
        "logging_steps": 10,
        "warmup_steps": 10,
        "save_steps": 100,
        "save_total_limit": 2,
        "max_steps": -1,
        "learning_rate": 2e-4,
    }
    assert expected == {key: getattr(recipe.values, key) for key in expected}
    assert "changes nothing" in recipe.sources["max_steps"]


def test_the_courses_two_templates_differ_as_published() -> None:
    """FACTS.md, "Course prompt": (a) plain and (b) unsloth."""
    plain, unsloth = (load_recipe(name).values for name in ("course-plain", "course-unsloth"))
    keys = ("lora_r", "lora_alpha", "lora_dropout", "learning_rate", "batch_size", "prompt", "max_length")
    assert [16, 32, 0.05, 5e-5, 2, "course-nobos.v1", 512] == [getattr(plain, key) for key in keys]
    assert [32, 32, 0.05, 2e-4, 8, "course.v1", 512] == [getattr(unsloth, key) for key in keys]
    assert ("all-linear", "paged_adamw_32bit") == (plain.target_modules, plain.optim)
    assert "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj" == " ".join(unsloth.target_modules)


def test_all_but_course_plain_train_with_the_courses_prompt() -> None:
    """So that an adapter goes straight into an evaluation with the default prompt."""
    assert ["course-plain"] == [name for name in recipe_names() if load_recipe(name).values.prompt != "course.v1"]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("learning_rate=1e-4", "learning_rate", 1e-4),
        ("learning_rate = 1E-4", "learning_rate", 1e-4),
        ("learning_rate=.0001", "learning_rate", 1e-4),
        ("learning_rate=1", "learning_rate", 1.0),
        ("max_steps=-1", "max_steps", -1),
        ("max_length=1_024", "max_length", 1024),
        ("double_quant=true", "double_quant", True),
        ("double_quant=True", "double_quant", True),
        ("torch_compile=False", "torch_compile", False),
        ("gradient_checkpointing=auto", "gradient_checkpointing", "auto"),
        ("gradient_checkpointing=false", "gradient_checkpointing", False),
        ('prompt="plain.v1"', "prompt", "plain.v1"),
        ("prompt=own prompts/a=b.j2", "prompt", "own prompts/a=b.j2"),
        ("data_license=CC BY-NC-SA 4.0", "data_license", "CC BY-NC-SA 4.0"),
        ("summary=one\nlora_r = 3", "summary", "one\nlora_r = 3"),
        ('target_modules=["q_proj", "v_proj"]', "target_modules", ("q_proj", "v_proj")),
        ("target_modules=all-linear", "target_modules", "all-linear"),
        (r"target_modules=.*\.(q|v)_proj", "target_modules", r".*\.(q|v)_proj"),
        ("heldout=0.1", "heldout", 0.1),
        ("heldout=13", "heldout", 13),
        ("num_train_epochs=3", "num_train_epochs", 3.0),
        ("seed=0", "seed", 0),
    ],
)
def test_set_takes_what_people_write(text: str, key: str, value: object) -> None:
    """A TOML value, Python's spelling of one, or plain text; the value has the key's type and is named as changed."""
    recipe = load_recipe("cpu-demo", [text])
    found = getattr(recipe.values, key)
    assert (value, type(value)) == (found, type(found))
    assert (key,) == recipe.changed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("learning_rate=fast", ["learning_rate", "'fast'", "number"]),
        ("learning_rate=0", ["learning_rate", "greater than 0", "got 0"]),
        ("loraplus_lr_ratio=0.5", ["loraplus_lr_ratio", "or a number from 1", "0.5"]),
        ("neftune_noise_alpha=-1", ["neftune_noise_alpha", "got -1"]),
        ("use_dora=maybe", ["use_dora", "maybe"]),
        ("learning_rate=-1e-4", ["learning_rate", "-0.0001"]),
        ("learning_rate=inf", ["learning_rate", "got inf"]),
        ("learning_rate=nan", ["learning_rate", "got nan"]),
        ("lora_r=16.5", ["lora_r", "16.5"]),
        ("lora_r=true", ["lora_r", "integer", "True"]),
        ('lora_r="16"', ["lora_r", "integer", "'16'"]),
        ("double_quant=1", ["double_quant", "boolean", "got 1"]),
        ("lora_dropout=1", ["lora_dropout", "less than 1"]),
        ("max_length=7", ["max_length", "8", "got 7"]),
        ("max_steps=0", ["max_steps", "-1 (all epochs)", "got 0"]),
        ("max_steps=-2", ["max_steps", "got -2"]),
        ("heldout=1.5", ["heldout", "a share", "1.5"]),
        ("heldout=-1", ["heldout", "-1"]),
        ("heldout=true", ["heldout", "True"]),
        ("gradient_checkpointing=some", ["gradient_checkpointing", "true, false or auto", "'some'"]),
        ("target_modules=[]", ["target_modules", "a list of names"]),
        ("target_modules=[1]", ["target_modules", "[1]"]),
        ("target_modules=(q|v", ["target_modules", "regular expression", "'(q|v'"]),
        ("target_modules=[q_proj,v_proj]", ["not valid TOML", "quotation marks"]),
        ("chat_template_kwargs={enable_thinking=no}", ["not valid TOML", "chat_template_kwargs"]),
        ("optim=sgd", ["optim", "adamw_torch", "'sgd'"]),
        ("loss=answers", ["loss", "'completion_only' or 'all'", "'answers'"]),
        ("seed=-1", ["seed", "got -1"]),
        ("learning_rate", ["'learning_rate' is not KEY=VALUE"]),
        ("=3", ["'=3' is not KEY=VALUE"]),
    ],
)
def test_a_wrong_change_is_a_usage_error_that_says_key_value_and_place(text: str, parts: list[str]) -> None:
    """One sentence with --set, the key and the value as given."""
    with pytest.raises(UsageError) as caught:
        load_recipe("cpu-demo", [text])
    assert [] == [part for part in ["--set", *parts] if part not in caught.value.message], caught.value.message


def test_a_value_by_its_former_name_is_read(tmp_path: Path) -> None:
    """Recipes of earlier versions say ``loss = "answer"``; it is the same recipe."""
    path = tmp_path / "old.toml"
    path.write_text('loss = "answer"\n', encoding="utf-8")
    old, now = load_recipe(str(path)), load_recipe(str(path), ["loss=completion_only"])
    assert "completion_only" == old.values.loss == load_recipe("fast", ["loss=answer"]).values.loss
    assert old.sha256 == now.sha256
    assert "all" == load_recipe(str(path), ["loss=all"]).values.loss


def test_one_key_twice_is_refused() -> None:
    """Which of the two would count is not for anybody to guess."""
    with pytest.raises(UsageError, match=r"--set lora_r is given twice: 8 and 32\."):
        load_recipe("cpu-demo", ["lora_r=8", "lora_r=32"])


def test_an_unknown_key_of_set_has_a_near_one() -> None:
    """The hint names the key that was meant."""
    with pytest.raises(UnknownNameError, match="No recipe key named 'lerning_rate'") as caught:
        load_recipe("cpu-demo", ["lerning_rate=1"])
    assert "Did you mean 'learning_rate'?" == caught.value.hint


def test_an_unknown_recipe_has_a_near_one() -> None:
    """The hint names the recipe that was meant."""
    with pytest.raises(UnknownNameError, match="No recipe named 'course-unslot'") as caught:
        load_recipe("course-unslot")
    assert "Did you mean 'course-unsloth'?" == caught.value.hint


def test_a_file_is_read_with_its_sources(tmp_path: Path) -> None:
    """Its own values, the defaults for the rest, its stem as the name; a byte-order mark does no harm."""
    path = tmp_path / "mine.v2.toml"
    path.write_text('\ufefflora_r = 8\nprompt = "plain.v1"\n[sources]\nlora_r = "tried"\n', encoding="utf-8")
    recipe = load_recipe(str(path), ["seed=7"])
    assert ("mine.v2", 8, "plain.v1", 7) == (
        recipe.name,
        recipe.values.lora_r,
        recipe.values.prompt,
        recipe.values.seed,
    )
    assert ({"lora_r": "tried"}, ("seed",)) == (recipe.sources, recipe.changed)
    assert load_recipe(str(path)).sha256 != recipe.sha256


@pytest.mark.parametrize(
    ("content", "parts", "hint"),
    [
        ("lerning_rate = 1e-4", ["no recipe key is named 'lerning_rate'"], "Did you mean 'learning_rate'?"),
        ("[sources]\nlora = 'x'", ["no recipe key is named 'lora'"], "Did you mean 'lora_r'?"),
        ("[sources]\nlora_r = 3", ["sources.lora_r", "string", "got 3"], None),
        ("sources = 3", ["sources", "got 3"], None),
        ("lora_r = '16'", ["lora_r", "integer", "got '16'"], None),
        ("lora_r = 0\nmax_length = 2", ["lora_r", "got 0", "max_length", "got 2"], None),
        ("heldout = 2.5", ["heldout", "got 2.5"], None),
        ("lora_r = ", ["not valid TOML"], None),
        ("[lora]\nr = 3", ["no recipe key is named 'lora'"], "Did you mean 'lora_r'?"),
    ],
)
def test_a_wrong_file_says_where_and_what(tmp_path: Path, content: str, parts: list[str], hint: str | None) -> None:
    """The path, the key and the value; every wrong value is named at once."""
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        load_recipe(str(path), ["seed=1"])
    assert [] == [part for part in [str(path), *parts] if part not in caught.value.message], caught.value.message
    assert hint == caught.value.hint


@pytest.mark.parametrize("name", ["gone.toml", "recipes/gone", r"recipes\gone.toml", r"C:\recipes\gone.toml", "."])
def test_a_path_that_holds_no_recipe_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a separator of either system, or ending in .toml, is a file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError) as caught:
        load_recipe(name)
    assert (name in caught.value.message, UnknownNameError is type(caught.value)) == (True, name == ".")


def test_a_recipe_is_named_without_its_folder_on_either_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed with backslashes does not become part of the name that records and cards carry."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    for name in ("sub/mine.toml", r"sub\mine.toml"):
        Path(name).write_text("lora_r = 8")
        assert "mine" == load_recipe(name).name


def test_a_date_is_text_to_a_recipe(tmp_path: Path) -> None:
    """TOML has dates; no key takes one."""
    path = tmp_path / "mine.toml"
    path.write_text("summary = 1979-05-27")
    assert "1979-05-27" == load_recipe(str(path)).values.summary


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A recipe saved in Shift JIS is named, not a traceback."""
    path = tmp_path / "mine.toml"
    path.write_bytes('summary = "学習"'.encode("shift_jis"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load_recipe(str(path))


def test_values_reach_the_recipe_unchanged() -> None:
    """Every key of a shipped file stands in the loaded recipe, as tomllib reads it."""
    import tomllib
    from importlib.resources import files

    for name in recipe_names():
        data: dict[str, Any] = tomllib.loads((files("trainers") / "recipes" / f"{name}.toml").read_text("utf-8"))
        del data["sources"]
        loaded = load_recipe(name).values
        found = {key: getattr(loaded, key) for key in data}
        assert data == found | {k: list(v) for k, v in found.items() if isinstance(v, tuple)}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        (["keep_best=true"], "heldout"),
        (["keep_best=true", "heldout=0.1"], "eval_steps"),
        (["early_stopping_patience=2", "eval_steps=5"], "heldout"),
    ],
)
def test_choosing_by_the_held_out_loss_needs_one_on_the_way(changes: list[str], missing: str) -> None:
    """Without samples held out, or without measuring before the end, the keys could do nothing."""
    with pytest.raises(UsageError, match=f"{missing} is 0") as caught:
        load_recipe("fast", changes)
    assert "eval_steps = 50" in str(caught.value.hint)
    assert load_recipe("fast", ["keep_best=true", "heldout=10", "eval_steps=5"]).values.keep_best


@pytest.mark.parametrize(
    ("recipe", "changes", "said"),
    [
        ("fast", ["beta=0.2"], 'beta is for objective = "dpo"'),
        ("fast", ["loss_type=ipo"], 'loss_type is for objective = "dpo"'),
        ("dpo", ["objective=sft", "beta=0.3"], 'beta is for objective = "dpo"'),
        ("dpo", ["loss=all"], 'objective = "dpo" compares two answers'),
        ("dpo", ["beta=0"], "beta"),
        ("dpo", ["label_smoothing=0.5"], "label_smoothing"),
        ("dpo", ["objective=rlhf"], "objective"),
    ],
)
def test_keys_of_the_other_objective(recipe: str, changes: list[str], said: str) -> None:
    """A key that could do nothing is refused, not passed over."""
    with pytest.raises(UsageError) as caught:
        load_recipe(recipe, changes)
    assert said in caught.value.message


def test_a_sample_of_dpo_is_a_pair() -> None:
    """So the effective batch counts pairs."""
    recipe = load_recipe("dpo").values
    assert (2, 16, 0.1) == (recipe.each, recipe.batch_size, recipe.beta)
    assert 1 == load_recipe("fast").values.each


def test_choosing_by_a_judge_needs_tasks() -> None:
    """Else nothing would be chosen, in silence; with tasks the held-out loss is not asked for."""
    with pytest.raises(UsageError, match="eval_tasks names none"):
        load_recipe("article", ["best_by=judge", "keep_best=true"])
    values = load_recipe("article", ["best_by=judge", "keep_best=true", "eval_tasks=dev=dev.jsonl"]).values
    assert ("dev=dev.jsonl", False) == (values.eval_tasks, values.chooses)
