"""``harness try``: an adapter and perhaps a task file in, the verdict in one sentence out.

Here are its options; what it does takes a second to load, which `harness.cli.trying` is: not before a line is on the
screen.
"""

from typing import Any

import click

from harness.cli.door import opened
from harness.cli.options import FiniteRange, common_options, pace_options
from harness.cli.waiting import Waiting
from harness.locale import tr


@click.command(
    "try",
    short_help="Try an adapter: is it better than its base?",
    epilog="\b\nExamples:\n  harness try adapters/mine\n  harness try adapters/mine elyza-tasks-100-TV_0.jsonl --yes",
)
@click.argument("adapter", metavar="ADAPTER")
@click.argument("tasks", metavar="[TASKS]", required=False)
@click.option("--judge", "judges", metavar="NAME[:OPTION]|FILE.py", multiple=True, help="A judge; may be repeated.")
@click.option("--rubric", metavar="NAME|PATH", help="The rubric of language-model judges.")
@click.option("--prompt", metavar="NAME|PATH", help="A template.  [default: the one that the adapter was trained with]")
@click.option("--base", metavar="SPEC", help="The base model.  [default: the adapter's own]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N tasks.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.  [default: 512]")
@click.option("--quantization", type=click.Choice(["nf4", "none"]), help="[default: nf4 on a CUDA GPU, else none]")
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), help="[default: the fastest here]")
@click.option("--engine", type=click.Choice(["auto", "hf", "vllm"]), help="What answers here.  [default: auto]")
@click.option("--max-cost", type=FiniteRange(min=0, min_open=True), metavar="USD", help="Spend no more than this.")
@click.option(
    "--allow-prompt-mismatch", is_flag=True, help="Ask adapters with other prompts than they were trained with."
)
@pace_options
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Begin without asking.")
@common_options
def try_(**given: Any) -> int:  # noqa: ANN401 - click's values, each of the type that its option has
    """Ask an adapter and its base the same TASKS, judge the answers with what is at hand, and say which is better.

    ADAPTER is a folder, a name on the Hub, or any model spec. TASKS is a file or a known set; without it, the tasks
    that come along. Base and training prompt are found in the adapter. The judge is the one whose key is in the
    environment (GEMINI_API_KEY, OPENAI_API_KEY), else a server on this machine (Ollama, llama.cpp, vLLM, LM Studio).
    """
    with Waiting(tr("Looking at the adapter, its base and what can judge ...")) as waiting:  # loading takes seconds
        code: int = opened("harness.cli.trying:try_adapter")(**given, found=waiting.end)
    return code
