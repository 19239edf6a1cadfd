"""What models on this machine take, told before anything is done: memory and time."""

from harness.engine.job import Job
from harness.protocols import MachineNeeds, NeedsMachine
from harness.runs.spreading import missing_here


def machine_needs(job: Job, url: str) -> dict[str, MachineNeeds]:
    """Return what each model of a job takes that has answers to give and is loaded here, by label.

    Raises:
        OutOfMemoryError: a model does not fit.
    """
    missing = missing_here(job, url)
    return {
        label: backend.needs(missing[label])
        for label, backend in job.models.items()
        if label in missing and isinstance(backend, NeedsMachine)
    }
