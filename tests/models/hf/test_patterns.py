"""Patterns of strangers' configurations: the modules that peft means by them, found within a time."""

import time
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models.hf.patterns import resolved
from tests.patience import PATIENCE

MODULES = ["", "model", "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj",
           "model.layers.1.self_attn.q_proj", "model.layers.10.self_attn.q_proj", "lm_head"]  # fmt: skip
EVIL = r"(?:.|..|...)+\d"  # keeps every engine busy


def found(**config: Any) -> dict[str, Any]:
    """A configuration without patterns."""
    return resolved(config, MODULES, "mine")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"target_modules": "all-linear"}, "all-linear"),
        ({"target_modules": ["q_proj"]}, ["q_proj"]),
        ({"target_modules": r".*\.q_proj"}, [MODULES[2], MODULES[4], MODULES[5]]),
        ({"target_modules": "lm_head"}, ["lm_head"]),
        ({"target_modules": ["q_proj"], "layers_to_transform": [1]}, [MODULES[4]]),
        ({"target_modules": ["q_proj", "v_proj"], "layers_to_transform": 0}, [MODULES[2], MODULES[3]]),
        ({"target_modules": ["q_proj", "lm_head"], "layers_to_transform": [10]}, [MODULES[5], "lm_head"]),
        ({"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"}, [MODULES[4]]),
    ],
)
def test_targets_are_the_modules_that_peft_adapts(config: dict[str, Any], expected: object) -> None:
    """A text is a pattern for whole names, a list are endings, layers are by their number and not by its digits."""
    assert expected == found(**config)["target_modules"]


def test_what_peft_itself_matches_is_the_oracle() -> None:
    """For endings and patterns, over every module."""
    from peft import LoraConfig
    from peft.tuners.tuners_utils import check_target_module_exists

    for targets in (r".*\.q_proj", r"model\.layers\.[01]\..*", ["q_proj"], ["self_attn.q_proj", "lm_head"]):
        config = LoraConfig(target_modules=targets)
        theirs = [name for name in MODULES if name and check_target_module_exists(config, name)]
        ours = LoraConfig(target_modules=found(target_modules=targets)["target_modules"])
        assert theirs == [name for name in MODULES if name and check_target_module_exists(ours, name)]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"target_modules": "nothing"}, "match no module of the base"),
        ({"target_modules": "("}, "is no regular expression"),
        ({"target_modules": "x" * 20_001}, "is 20,001 characters long"),
        ({"target_modules": EVIL}, "takes more than"),
        ({"target_modules": ["q_proj"], "exclude_modules": EVIL}, "takes more than"),
        ({"target_modules": ["q_proj"], "modules_to_save": ["a.*"]}, "no list of module names"),
        ({"target_modules": ["q_proj"], "modules_to_save": "lm_head"}, "no list of module names"),
        ({"target_modules": ["q_proj"], "trainable_token_indices": {"(a": [1]}}, "no list of module names"),
    ],
)
def test_what_cannot_be_meant_is_refused_soon(config: dict[str, Any], message: str) -> None:
    """With the adapter's name, in one line."""
    modules = [*MODULES, "m" * 40 + "a" * 40]
    began = time.process_time()
    with pytest.raises(HarnessError, match=message) as caught:
        resolved(config, modules, "mine", seconds=0.1)
    assert time.process_time() - began < PATIENCE
    assert caught.value.message.startswith("mine: ")


def test_ranks_by_pattern_become_ranks_by_name() -> None:
    """The first pattern that fits counts; a few plain names are left to peft."""
    plain = {"q_proj": 2, "lm_head": 8}
    assert plain == found(target_modules=["q_proj"], rank_pattern=plain)["rank_pattern"]
    ranks = found(target_modules=["q_proj"], rank_pattern={r"layers\.0\..*q_proj": 2, "q_proj": 4})["rank_pattern"]
    assert {MODULES[2]: 2, MODULES[4]: 4, MODULES[5]: 4} == ranks


def test_what_has_no_pattern_stays() -> None:
    """Nothing is added that peft would not know, and the given configuration is not changed."""
    config = {"target_modules": ["q_proj"], "r": 4, "rank_pattern": {"a.*b": 2}}
    before = dict(config)
    assert {"r", "target_modules", "rank_pattern"} == set(resolved(config, MODULES, "mine"))
    assert before == config
