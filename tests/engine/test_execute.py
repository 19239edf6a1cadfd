"""The engine: what is stored is not asked for again, wherever a run was cut."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.engine.execute import execute
from harness.engine.job import Job, Outcome
from harness.engine.plan import PlannedModel, plan_requests
from harness.protocols import ModelStopped
from harness.remote.pricing import Price
from harness.store.store import Store
from harness.templates import load_template
from harness.types import PASS_FAIL, Generation, PlannedTask, Request, Sample, Sampling, Verdict


class CutShort:
    """A model that is interrupted after some answers."""

    fingerprint = "cut-short"

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for place, request in enumerate(requests):
            if place == self.after:
                raise KeyboardInterrupt
            self.asked.append(request.key)
            yield Generation(request_key=request.key, text=f"答え {request.sample_id}")


class Paid:
    """A model that is paid by the token, and looks at each call which of its answers would survive a killed process."""

    fingerprint = "paid"
    price = Price(input=1.0, output=1.0)

    def __init__(self, url: str) -> None:
        self.url = url
        self.given: list[str] = []
        self.lost: list[int] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        for request in requests:
            with Store(self.url, read_only=True) as another:
                self.lost.append(len(self.given) - len(another.generations(self.given)))
            self.given.append(request.key)
            yield Generation(request_key=request.key, text=f"答え {request.sample_id}", tokens_in=9, tokens_out=4)


class Even:
    """A judge that passes every second task."""

    name = "even"
    scale = PASS_FAIL
    fingerprint = "even"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        return Verdict.scored(int(sample.id) % 2)


class Silent:
    """Progress that nobody watches."""

    def planned(self, **_: int) -> None:
        pass

    def answered(self, *_: object) -> None:
        pass

    def judged(self, *_: object, **__: object) -> None:
        pass

    def model_failed(self, *_: object) -> None:
        pass


def run_once(store: Store, model: CutShort | Paid, n_tasks: int) -> Outcome:
    task = PlannedTask(
        name="t", samples=tuple(Sample(id=str(number), inputs={"input": f"問{number}"}) for number in range(n_tasks))
    )
    requests = plan_requests(
        [task],
        [PlannedModel(label="m", fingerprint=model.fingerprint)],
        [load_template("plain.v1")],
        sampling=Sampling(),
    )
    job = Job(tasks=(task,), requests=tuple(requests), models={"m": model}, judges=(Even(),))
    return execute(job, store, Silent())


@given(cuts=st.lists(st.integers(min_value=0, max_value=12), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_resume_after_cuts_anywhere_ends_with_the_same_rows(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However often a run is cut, it ends with the rows of an uninterrupted one, and asks for each answer once."""
    with Store(str(tmp_path_factory.mktemp("whole") / "s.sqlite")) as store:
        whole = run_once(store, CutShort(None), 12)
    asked: list[str] = []
    with Store(str(tmp_path_factory.mktemp("cut") / "s.sqlite")) as store:
        for cut in cuts:
            model = CutShort(cut)
            with contextlib.suppress(KeyboardInterrupt):
                run_once(store, model, 12)
            asked += model.asked
        model = CutShort(None)
        resumed = run_once(store, model, 12)
        asked += model.asked
    assert whole.answers == resumed.answers
    assert whole.verdicts == resumed.verdicts
    assert 12 == len(asked) == len(set(asked))


def test_a_paid_answer_is_durable_before_the_next_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the disk is, a killed process has paid for no more than was under way."""
    write = Store.write

    def slowly(*args: Any, **options: Any) -> None:
        time.sleep(0.05)
        write(*args, **options)

    monkeypatch.setattr(Store, "write", slowly)
    with Store(f"sqlite:///{tmp_path}/s.sqlite") as store:
        model = Paid(store.url)
        run_once(store, model, 5)
    assert [0, 0, 0, 0, 0] == model.lost


class Joined:
    """Models of one machine: what all of them are asked comes at once; the one labelled "bad" stops."""

    fingerprint = "joined"
    company = "one machine"

    def __init__(self) -> None:
        self.asked: list[dict[str, int]] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        self.asked.append({request.model: 0 for request in requests})
        yield from (Generation(request_key=request.key, text="alone") for request in requests)

    def generate_together(self, asked: Mapping[str, Sequence[Request]]) -> Iterator[Generation | ModelStopped]:
        self.asked.append({model: len(requests) for model, requests in asked.items()})
        if "bad" in asked:
            yield ModelStopped(model="bad", reason="it does not fit")
        for model in reversed(asked):
            if model != "bad":
                yield from (Generation(request_key=request.key, text=f"by {model}") for request in asked[model])


def test_models_that_answer_together_are_asked_once_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    joined, alone = Joined(), CutShort(None)
    backends = {"a": joined, "m": alone, "bad": joined, "b": joined}
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"問{n}"}) for n in range(3)))
    planned = [PlannedModel(label=label, fingerprint=f"{label} here") for label in backends]
    requests = plan_requests([task], planned, [load_template("plain.v1")], sampling=Sampling())
    with Store(f"sqlite:///{tmp_path}/s.sqlite") as store:
        job = Job(tasks=(task,), requests=tuple(requests), models=backends, judges=(Even(),))
        outcome = execute(job, store, Silent())
        again = execute(job, store, Silent())
    texts = {request.model: outcome.answers[request.key].text for request in requests}
    assert joined.asked[0] == {"a": 3, "bad": 3, "b": 3}
    assert texts == {"a": "by a", "m": "答え 2", "bad": None, "b": "by b"}
    assert outcome.failures == {"bad": "it does not fit"}
    assert {outcome.answers[request.key].error for request in requests if request.model == "bad"} == {"it does not fit"}
    assert joined.asked[1] == {"bad": 0}, "only what failed is asked again, and a model alone is asked as ever"
    assert again.generated == 3
