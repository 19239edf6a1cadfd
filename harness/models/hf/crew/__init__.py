"""Models of this machine over several GPUs: a process for each, which loads base and adapters as one process would.

The requests are dealt here (`dealing`) and the answers come back here (`processes`, by `channel`): one run, one store,
one line of progress, whoever answered. `members` puts a crew in the place of the models that the engine asks.
"""

from harness.models.hf.crew.crew import Enlisted
from harness.models.hf.crew.gpus import gpu_count
from harness.models.hf.crew.members import crew_of

__all__ = ["Enlisted", "crew_of", "gpu_count"]
