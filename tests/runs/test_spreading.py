"""Spreading: what is missing here, and who answers for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.job import Job
from harness.engine.plan import PlannedModel, plan_requests
from harness.errors import UsageError
from harness.protocols import MachineNeeds, ModelBackend, Sharing
from harness.runs.spreading import missing_here, spread
from harness.store.store import Store
from harness.templates import load_template
from harness.types import PASS_FAIL, Generation, PlannedTask, Request, Sample, Sampling, Verdict


class Elsewhere:
    """A model that is not on this machine."""

    fingerprint = "served"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        yield from ()


class Here(Elsewhere):
    """One that is, and can be spread; ``asked`` is what was wanted, ``inside`` whether the block lasts."""

    fingerprint = "here"

    def __init__(self) -> None:
        self.asked: Sharing | None = None
        self.inside = False

    def needs(self, requests: Sequence[Request]) -> MachineNeeds:
        return MachineNeeds(device="CPU", needed=0, available=1, seconds=0)

    @contextmanager
    def spread(self, models: Mapping[str, ModelBackend], sharing: Sharing) -> Iterator[Mapping[str, ModelBackend]]:
        self.asked, self.inside = sharing, True
        yield models | {"here": Elsewhere()}
        self.inside = False


class AtTheEnd:
    """A judge that takes all answers together, as a model on this machine does."""

    name, scale, fingerprint = "late", PASS_FAIL, "late"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(1)

    def judge_together(self, answers: Sequence[Any]) -> Iterator[Any]:
        yield from ()


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def job(here: Here) -> Job:
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}"}) for n in range(3)))
    planned = [PlannedModel(label=label, fingerprint=label) for label in ("here", "served")]
    requests = plan_requests([task], planned, [load_template("plain.v1")], sampling=Sampling(max_new_tokens=7))
    models: dict[str, ModelBackend] = {"here": here, "served": Elsewhere()}
    return Job(tasks=(task,), requests=tuple(requests), models=models, judges=())


def test_what_is_stored_or_elsewhere_is_not_missing_here(job: Job, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.sqlite"
    first, *others = [request for request in job.requests if request.model == "here"]
    with Store(url) as store:
        store.write(generations=[Generation(request_key=first.key, text="答え")])
    assert missing_here(job, url) == {"here": others}


def test_models_of_this_machine_are_spread_while_the_block_lasts(job: Job, here: Here, tmp_path: Path) -> None:
    with spread(job, f"sqlite:///{tmp_path}/none.sqlite", gpus=2) as spreads:
        assert here.inside
        spread_job = spreads(job)
    assert not here.inside
    assert here.asked == Sharing(gpus=2, tokens=21, stays=True)
    assert spread_job.models["here"] is not here
    assert spread_job.models["served"] is job.models["served"]
    assert spread_job.requests == job.requests


def test_processes_do_not_stay_beside_a_judge_that_needs_the_memory(job: Job, here: Here, tmp_path: Path) -> None:
    judged = Job(tasks=job.tasks, requests=job.requests, models=job.models, judges=(AtTheEnd(),))
    with spread(judged, f"sqlite:///{tmp_path}/none.sqlite"):
        assert here.asked is not None
        assert not here.asked.stays


def test_nothing_begins_where_nothing_is_missing(job: Job, here: Here, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.sqlite"
    with Store(url) as store:
        store.write(generations=[Generation(request_key=request.key, text="答え") for request in job.requests])
    with spread(job, url, gpus="all") as spreads:
        assert spreads(job).models == job.models
    assert here.asked is None


def test_gpus_are_refused_where_no_model_could_use_one(job: Job, tmp_path: Path) -> None:
    """They would be left out in silence; "all" is true of none, too."""
    elsewhere = replace(job, models={"served": Elsewhere()})
    url = f"sqlite:///{tmp_path}/s.sqlite"
    with pytest.raises(UsageError, match=r"--gpus 2 changes nothing here.*served"), spread(elsewhere, url, gpus=2):
        pass
    with spread(elsewhere, url, gpus="all"), spread(job, url, gpus=2):
        pass
