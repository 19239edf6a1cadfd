"""What models on this machine take, told before anything is done: memory and time."""

from collections.abc import Mapping

from harness.engine.job import Job
from harness.protocols import MachineNeeds, NeedsMachine
from harness.store.store import Store, store_exists
from harness.types import Request


def machine_needs(job: Job, url: str) -> dict[str, MachineNeeds]:
    """Return what each model of a job takes that has answers to give and is loaded here, by label.

    Raises:
        OutOfMemoryError: a model does not fit.
    """
    missing = _missing(job, url)
    return {
        label: backend.needs(missing[label])
        for label, backend in job.models.items()
        if label in missing and isinstance(backend, NeedsMachine)
    }


def _missing(job: Job, url: str) -> Mapping[str, list[Request]]:
    """Return the requests without a stored answer, by model; what is asked twice is answered once."""
    local = [request for request in job.requests if isinstance(job.models.get(request.model), NeedsMachine)]
    if not local:
        return {}
    known = set()
    if store_exists(url):
        with Store(url, read_only=True) as store:
            known = set(store.generations(list({request.key: None for request in local})))
    missing: dict[str, list[Request]] = {}
    for request in local:
        if request.key not in known:
            known.add(request.key)
            missing.setdefault(request.model, []).append(request)
    return missing
