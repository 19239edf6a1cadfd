"""``harness merge``: an adapter folded into its base, as a model that any program loads."""

import shlex
from pathlib import Path

import click

from harness.cli.door import opened
from harness.cli.options import common_options
from harness.cli.say import say
from harness.errors import UsageError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.specs import load_config
from trainers.launch import is_installed


@click.command(
    "merge",
    short_help="Fold an adapter into its base: one model that any program loads.",
    epilog="\b\nExamples:\n  harness merge adapters/mine --output models/mine\n"
    "  harness merge adapters/mine --output models/mine --gguf Q4_K_M --llama-cpp ~/llama.cpp",
)
@click.argument("adapter", metavar="ADAPTER")
@click.option("--output", metavar="DIR", required=True, help="The new model's folder.")
@click.option("--base", metavar="SPEC", help="The adapter's base.  [default: the one that it records]")
@click.option(
    "--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: as the adapter was trained]"
)
@click.option(
    "--quantization",
    type=click.Choice(["nf4", "none"]),
    help="The base's values: 4-bit ones dequantized, or as stored.  [default: as the adapter was trained]",
)
@click.option("--gguf", "quant", metavar="QUANT", help="Write a GGUF file, too: Q4_K_M, Q8_0, F16, ...")
@click.option("--llama-cpp", "llama_cpp", metavar="DIR", help="Where llama.cpp is.  [default: on the PATH]")
@common_options
def merge(
    *,
    adapter: str,
    output: str,
    base: str | None,
    dtype: str | None,
    quantization: str | None,
    quant: str | None,
    llama_cpp: str | None,
    config: str | None,
    store: str | None,
) -> None:
    """Fold the adapter in ADAPTER into its base and write the whole model to a new folder, with its tokenizer.

    The base is never 4-bit: nf4 values are dequantized first. The model is loaded again from the disk, its logits are
    compared with those of the adapter on its base, and it is refused if they differ by more than rounding does. It is
    then evaluated as hf:DIR, or loaded by transformers. --gguf has llama.cpp's own converter write a file for it.
    """
    del store  # nothing is stored
    settings = load_config(config)
    place = Path(output).expanduser()
    if not is_installed():
        raise MissingExtraError(tr("command merge"), "train")
    if llama_cpp is not None and quant is None:
        raise UsageError(tr("--llama-cpp says what writes a GGUF file."), hint=tr("Add --gguf Q4_K_M, for example."))
    merging, gguf = opened("trainers.merging.merge"), opened("trainers.merging.gguf")
    merging.refuse_occupied_output(place)
    name = gguf.check_quant(quant) if quant else None
    tools = gguf.find_llama_cpp(llama_cpp, name) if name else None
    request = merging.MergeRequest(
        adapter=adapter.removeprefix("adapter:"),
        base=base or (str(settings.models["base"]) if "base" in settings.models else None),
        dtype=dtype,
        quantization=quantization,
        settings=settings.models.get("hf", {}),
    )
    made = merging.merge(request, place, _say)
    say(tr("{place}: {outcome}", place=place, outcome=merging.outcome(made.shift)))
    if tools is not None:
        say(gguf.export_gguf(place, name, tools, _say))
    command = f"harness eval --model hf:{shlex.quote(str(place))} --task bundled:ja-mini --judge rules"
    _say(tr("Evaluate it: {command}", command=command))


def _say(text: str) -> None:
    say(text, err=True)
