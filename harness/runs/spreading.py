"""Answers that are missing on this machine, and the processes that share them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from harness.engine.job import Job
from harness.models.child_process import end_unused, none_left_unused
from harness.protocols import JudgesTogether, ModelBackend, NeedsMachine, Sharing, SpreadsOverGpus
from harness.runs.asking import unread_flag
from harness.store.store import Store, store_exists
from harness.types import Request

Gpus = int | Literal["all"] | None
"""How many GPUs share the answers; None: as many as are worth it."""


def missing_here(job: Job, url: str) -> Mapping[str, list[Request]]:
    """Return the requests to models on this machine without a stored answer, by model.

    What is asked twice is answered once.
    """
    here = {label for label, model in job.models.items() if isinstance(model, NeedsMachine)}
    local = [request for request in job.requests if request.model in here]
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


@contextmanager
def spread(job: Job, url: str, *, gpus: Gpus = None, processes: int | None = None) -> Iterator["Spread"]:
    """Give what puts processes on several GPUs in the place of a job's models of this machine, while the block lasts.

    ``processes``: so many instead, on whatever device there is. Where nothing is missing, nothing begins.

    Raises:
        UsageError: there are not so many GPUs, or no model could use one.
    """
    if isinstance(gpus, int) and not any(isinstance(one, SpreadsOverGpus) for one in job.models.values()):
        raise unread_flag("gpus", gpus, list(job.models))
    missing = missing_here(job, url)
    asked = [request for requests in missing.values() for request in requests]
    first = next((one for label in missing if isinstance(one := job.models[label], SpreadsOverGpus)), None)
    if first is None:
        end_unused()
        yield Spread({})
        return
    sharing = Sharing(
        gpus=gpus,
        processes=processes,
        tokens=sum(request.sampling.max_new_tokens for request in asked),
        stays=not any(isinstance(judge, JudgesTogether) for judge in job.judges),
    )
    with none_left_unused(), first.spread(job.models, sharing) as models:
        yield Spread(models)


class Spread:
    """The models of a job as they answer."""

    def __init__(self, models: Mapping[str, ModelBackend]) -> None:
        self._models = models

    def __call__(self, job: Job) -> Job:
        """Return a job, or a part of it, with the models that answer."""
        return replace(job, models={label: self._models.get(label, one) for label, one in job.models.items()})
