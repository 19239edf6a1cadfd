"""Files of a model's folder: regular ones of a sensible size, and configurations that are JSON."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.models.hf import open_local
from harness.models.hf.reading import check_folder, json_object
from harness.types import ModelSpec, Request

Ask = Callable[..., Request]


SpecOf = Callable[..., ModelSpec]


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"],
)
@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "folder", "huge"])
def test_what_is_no_file_of_a_model(copy: Path, spec_of: SpecOf, ask: Ask, name: str, target: str) -> None:
    """It is looked at before it is read, whichever file it is in place of."""
    path = copy / name
    path.unlink()
    if target == "pipe":
        os.mkfifo(path)
    elif target == "folder":
        path.mkdir()
    elif target == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)
        if name.endswith(".safetensors"):
            path.unlink()  # weights may be as large as they like
            return
    else:
        path.symlink_to(target)
    with pytest.raises(HarnessError, match=r"not a regular file|such a file may hold"):
        list(open_local(spec_of(f"hf:{copy}")).generate([ask("a")]))


def test_what_else_lies_in_a_folder_does_not_matter(copy: Path) -> None:
    """Nobody opens it."""
    os.mkfifo(copy / "run.log")
    (copy / "checkpoint-1").mkdir()
    check_folder(copy)


@pytest.mark.parametrize(("text", "message"), [("[" * 10**6, "too deeply"), ("1" * 10**5, "JSON"), ("[]", "object")])
def test_json_that_is_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    """Nested without end, a number without end, another kind."""
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=message):
        json_object(tmp_path / "config.json")
