"""What the extractor finds in a module: messages, and the help that click shows."""

import io

from babel.messages.extract import extract as run

MODULE = b'''
COMMANDS = {"eval": ("harness.cli.eval:evaluate", "Evaluate models.")}

@click.command("eval", short_help="Evaluate.", epilog="\\b\\nExamples:\\n  harness eval")
@click.option("--limit", metavar="N", help="Only the first " "N tasks.")
@click.option("--name", help=f"Not {known}.")
def evaluate(limit):
    """Evaluate every model.

    Twice.
    """
    say(tr("Done: {n}.", n=1), trn("{n} task", "{n} tasks", 2))

def other():
    """Nobody sees this."""
'''


def test_purposes_and_summaries_are_found() -> None:
    """The line of a template's head or of a recipe that listings show, and the sources that cards show; no other."""
    template = b"---\nname: a\npurpose: To see: all of it.\n---\npurpose: no\n"
    recipe = b'summary = "Quick, and small."\nlr = 1\n[sources]\nlr = "a \\"guess\\""\n'
    for method, text, expected in (("extract_template", template, ["To see: all of it."]),
                                   ("extract_recipe", recipe, ["Quick, and small.", 'a "guess"'])):  # fmt: skip
        found = run(f"harness.locale.extract:{method}", io.BytesIO(text), {})
        assert expected == [message for _, message, _, _ in found]


def test_messages_and_help_are_found() -> None:
    """Summaries, docstrings of commands, help and examples; not what is put together when the program runs."""
    keywords = {"tr": None, "trn": (1, 2)}
    found = {text for _, text, _, _ in run("harness.locale.extract:extract", io.BytesIO(MODULE), keywords)}
    assert found == {
        "Evaluate models.",
        "Evaluate.",
        "Examples:\n  harness eval",
        "Only the first N tasks.",
        "Evaluate every model.\n\nTwice.",
        "Done: {n}.",
        ("{n} task", "{n} tasks"),
    }
