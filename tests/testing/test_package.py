"""`harness.testing` as a package: everything it names is there, nothing heavy is loaded, what is missing is said."""

import subprocess
import sys

import pytest

import harness.testing
from harness.installation import add_extra


def test_every_name_is_there_and_documented() -> None:
    """Each is found once it is asked for."""
    for name in harness.testing.__all__:
        assert getattr(harness.testing, name).__doc__, name
    assert sorted(harness.testing.__all__) == dir(harness.testing)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = harness.testing.nope


@pytest.mark.parametrize(
    ("blocked", "use", "extra"),
    [
        ("hypothesis", "score_tables", "testing"),
        ("hypothesis", "load_profile", "testing"),
        ("transformers", "make_tokenizer()", "local"),
        ("torch", "make_llama('x')", "local"),
        ("torch", "make_lora('x', 'y')", "local"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(blocked: str, use: str, extra: str) -> None:
    """In a process where the package cannot be imported; the servers work all the same."""
    code = (
        f"import sys; sys.modules[{blocked!r}] = None\n"
        "import harness, harness.testing\n"
        "harness.testing.serve, harness.testing.gemini.reply\n"
        f"try:\n    harness.testing.{use}\n"
        "except harness.MissingExtraError as error:\n    print(error, error.hint)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    name = use.partition("(")[0]
    said = f"The helper harness.testing.{name} needs packages that are not installed. "
    assert f"{said}Install it: {add_extra(extra)}" == ended.stdout.strip(), ended.stderr
