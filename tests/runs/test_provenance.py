"""Where figures come from: what was asked, by its hashes, and with what software."""

import platform
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

from harness.engine.plan import PlannedModel, plan_requests, task_hash
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import Evaluation, assemble
from harness.runs.provenance import Invocation, asked, machine, provenance_of, rendered_hashes, versions
from harness.specs import Config
from harness.templates import load_template
from harness.types import PlannedTask, Sample, Sampling
from tests.runs.test_asking import PLAIN


def evaluation(**options: object) -> Evaluation:
    """An evaluation of the echoing model on three bundled tasks."""
    return assemble(evaluation_spec(Config(), **PLAIN | {"limit": 3} | options), "r")


def test_the_date_is_to_the_second_with_its_offset() -> None:
    """In the time zone of whoever ran it."""
    now = datetime(2026, 11, 26, 9, 8, 7, 654321, timezone(timedelta(hours=9)))
    assert "2026-11-26T09:08:07+09:00" == Invocation(command="x", now=now).date


def test_versions_are_those_that_are_installed() -> None:
    """What is not installed is left out."""
    found = versions()
    assert (platform.python_version(), version("numpy")) == (found["python"], found["numpy"])
    assert platform.machine() in machine()


def test_what_was_asked_is_known_by_its_hashes() -> None:
    """Of the tasks that were run, the models, the templates as they stand and as they were filled."""
    made = evaluation()
    found = asked(made)
    assert {"bundled:ja-mini": task_hash(made.job.tasks[0].samples)} == found["tasks"]
    assert {"echo"} == set(found["models"])
    assert load_template("course.v1").sha256 == found["templates"]["course.v1"]["sha256"]
    assert ({"max_new_tokens": 512, "temperature": 0.0, "repetition_penalty": 1.2, "seed": 0}, 3) == (
        found["sampling"], found["limit"],
    )  # fmt: skip
    assert found == asked(evaluation())
    assert found["tasks"] != asked(evaluation(limit=2))["tasks"]
    assert found["templates"] != asked(evaluation(prompts=("plain.v1",)))["templates"]


def test_provenance_is_who_when_and_with_what_besides() -> None:
    """A record of plain values."""
    found = provenance_of(evaluation(), Invocation(command="harness eval", now=datetime(2026, 1, 1, tzinfo=UTC)))
    assert ("harness eval", "2026-01-01T00:00:00+00:00") == (found["command"], found["date"])
    assert {"versions", "machine", *asked(evaluation())} <= set(found)


def test_a_templates_prompts_have_one_hash_in_plan_order() -> None:
    """Repeats count once; another order, another text or another template is another hash."""
    task = PlannedTask(name="t", samples=tuple(Sample(id=str(n), inputs={"input": f"q{n}"}) for n in range(2)))
    model = PlannedModel(label="m", fingerprint="m")

    def hashes(task: PlannedTask, name: str = "plain.v1", repeats: int = 1) -> str:
        requests = plan_requests(
            [task], [model], [load_template(name)], sampling=Sampling(temperature=1), repeats=repeats
        )
        return rendered_hashes(requests)[name]

    assert hashes(task) == hashes(task, repeats=3)
    turned = replace(task, samples=task.samples[::-1])
    assert 3 == len({hashes(task), hashes(turned), hashes(task, "chat.v1")})
    existing = [PlannedModel(label="f", fingerprint="f", answers_exist=True)]
    assert {} == rendered_hashes(plan_requests([task], existing, [], sampling=Sampling()))
