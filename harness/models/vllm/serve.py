"""The process in which vLLM runs: it starts an engine, works off lists of sequences, and ends with its parent.

    python -m harness.models.child harness.models.vllm.serve

vLLM would start a process of its own for this, after this one has imported it; here it is imported once, and only here:
it changes settings of torch that transformers would compute with as well.
"""

import os

from harness.errors import HarnessError
from harness.models.child_process import Parent
from harness.models.vllm.engine import Engine, import_early, start
from harness.models.vllm.messages import Came, Done, Run, Start, Stop


def serve(parent: Parent) -> None:
    """Work for a parent for ever. What every start imports is imported before one is asked for."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    import_early()
    engine: Engine | None = None
    while True:
        order = parent.orders.get()
        error: HarnessError | None = None
        try:
            match order:
                case Start(plan=plan):
                    engine = start(plan)
                case Run(asks=asks):
                    assert engine is not None
                    for place, said in engine.run(asks, lambda: not parent.orders.empty()):
                        parent.sender.send(Came(place=place, said=said))
                case Stop():  # what it was for had been worked off
                    continue
                case _:
                    raise TypeError(order)
        except HarnessError as found:
            error = found
        parent.sender.send(Done(error=error))
