"""The two ELYZA task sets: the published 100 tasks, and the course competition's 100 (TV)."""

from collections.abc import Sequence
from pathlib import Path

import huggingface_hub

from harness.errors import InputError, TaskSetError
from harness.locale import tr
from harness.notices import Notice
from harness.remote.reach import hub_is_reachable
from harness.tables import compact, read_table, shorten
from harness.tasks.files import ROLE_OF, SampleList, refuse_settings, to_samples
from harness.tasks.hub_revision import not_fetched
from harness.types import Sample, TaskSpec

REPO = "elyza/ELYZA-tasks-100"
REVISION = "1.0.0"
FILE = "test.csv"
SIZE = 100
# Long enough for a slow line; a server that does not answer at all costs this much and no more.
_SECONDS_TO_ANSWER = 10.0


def open_elyza(spec: TaskSpec) -> SampleList:
    """Return ELYZA-tasks-100, from ``spec.source`` or else from the Hugging Face Hub at revision 1.0.0 (CC BY-SA 4.0).

    The Hub's own settings apply: ``HF_ENDPOINT``, ``HF_HOME``, ``HF_HUB_OFFLINE``. A copy fetched before is not
    fetched again. A file with a part of the tasks is taken, and its notices say so.

    Raises:
        HarnessError: the Hub cannot be reached.
        InputError: the file holds more than 100 tasks, or one without a reference or criteria.
    """
    refuse_settings(spec)
    file, shown = (spec.source, spec.source) if spec.source else (_fetch(spec.name), f"{REPO}@{REVISION}/{FILE}")
    samples = to_samples(read_table(file, roles=ROLE_OF).rows, path=shown, columns=spec.columns)
    _check_size(samples, shown)
    for what in ("reference", "criteria"):
        missing = [number for number, sample in enumerate(samples) if getattr(sample, what) is None]
        if missing:
            raise InputError(
                tr(
                    "{n_missing} of {size} tasks have no {what}: rows {missing} (counted from 0)",
                    n_missing=len(missing),
                    size=len(samples),
                    what=what,
                    missing=compact(missing),
                ),
                path=shown,
                hint=tr(
                    "ELYZA-tasks-100 has the columns input, output and eval_aspect. Another set needs another name."
                ),
            )
    return SampleList(tuple(samples), _part(spec.name, samples))


def _part(name: str, samples: Sequence[Sample]) -> tuple[Notice, ...]:
    """Return the notice that a file holds a part of a set, if it does."""
    if len(samples) == SIZE:
        return ()
    numbered = [sample.id for sample in samples] == [str(number) for number in range(len(samples))]
    part = Notice(
        "task_set_part",
        tr(
            "{name}: {n} of its {size} tasks are in the file. The figures are those of this part, and do not stand "
            "beside figures of the whole set.",
            name=name,
            n=len(samples),
            size=SIZE,
        ),
    )
    ids = Notice(
        "task_ids_by_row",
        tr("{name}: the file has no ids, or they start at 0: tasks are known by their rows in it.", name=name),
    )
    return (part, ids) if numbered else (part,)


def open_elyza_tv(spec: TaskSpec) -> SampleList:
    """Return ELYZA-tasks-100-TV, the competition's set, from ``spec.source``: ids 0 to 99, in the order of their ids.

    Copies with LF or CRLF line ends, and with objects over several lines, give equal samples.

    A file with a part of the ids is taken, and its notices say so.

    Raises:
        HarnessError: no file was named; the set is not on the Hub.
        InputError: the file holds ids other than 0 to 99.
    """
    refuse_settings(spec)
    if spec.source is None:
        raise TaskSetError(
            tr(
                "Task {name!r} needs the competition's file: its participants have it, and it is not on the Hub.",
                name=spec.name,
            ),
            hint=tr(
                "Pass --task {name}=PATH/TO/elyza-tasks-100-TV_0.jsonl, "
                "or set path under [tasks.{name}] in harness.toml.",
                name=spec.name,
            ),
        )
    table = read_table(spec.source, roles=ROLE_OF)
    id_column = spec.columns.get("task_id", "task_id")
    if not {id_column, "id"} & set(table.columns):
        raise InputError(
            tr("no column {id_column!r}", id_column=id_column),
            path=table.path,
            hint=tr("The file's columns: {columns}.", columns=", ".join(table.columns)),
        )
    samples = {sample.id: sample for sample in to_samples(table.rows, path=table.path, columns=spec.columns)}
    expected = [str(number) for number in range(SIZE)]
    if extra := [sample_id for sample_id in samples if sample_id not in set(expected)]:
        raise InputError(
            tr("ids other than 0 to {last}: {extra}", last=SIZE - 1, extra=shorten(", ".join(extra))),
            path=table.path,
            hint=tr("Another set needs another name: --task NAME={path}", path=table.path),
        )
    found = tuple(samples[number] for number in expected if number in samples)
    part = len(found) < SIZE
    notice = Notice(
        "task_set_part",
        tr(
            "{name}: {n} of its {size} tasks are in the file. The figures are those of this part, and do not stand "
            "beside figures of the whole set.",
            name=spec.name,
            n=len(found),
            size=SIZE,
        ),
    )
    return SampleList(found, (notice,) if part else ())


def _check_size(samples: Sequence[Sample], shown: str) -> None:
    if len(samples) > SIZE:
        raise InputError(
            tr("{n_samples} tasks, but ELYZA-tasks-100 has {size}", n_samples=len(samples), size=SIZE),
            path=shown,
            hint=tr("Another set needs another name: --task NAME={path}", path=shown),
        )


def _fetch(task: str) -> Path:
    """Return the path of the file in the Hub's local cache, downloading it if it is not there.

    `hf_hub_download` retries a server that fails for minutes, so one plain question comes first.
    """
    cached = huggingface_hub.try_to_load_from_cache(REPO, FILE, revision=REVISION, repo_type="dataset")
    if isinstance(cached, str):
        return Path(cached)
    url = huggingface_hub.hf_hub_url(REPO, FILE, repo_type="dataset", revision=REVISION)
    what = tr("{file} of the dataset {repo}", file=FILE, repo=REPO)
    if not hub_is_reachable():
        raise not_fetched(task, url, tr("no connection"), what)
    try:
        huggingface_hub.get_hf_file_metadata(url, timeout=_SECONDS_TO_ANSWER)
        return Path(huggingface_hub.hf_hub_download(REPO, FILE, repo_type="dataset", revision=REVISION))
    except Exception as error:  # the Hub client's errors share no base class across its versions
        raise not_fetched(task, url, error, what) from error
