"""Free-form Japanese task sets beside ELYZA's, each alone, and all four as one: ``ja-freeform``, 320 tasks.

| name | what | tasks | scale of its own | where |
|---|---|---|---|---|
| ``tengu-bench`` | Tengu-Bench | 120 | 0-10, in each task's criteria | ``lightblue/tengu_bench`` |
| ``ja-mt-bench-1shot`` | Japanese MT-Bench, one turn | 60 | 1-10 | ``shisa-ai/ja-mt-bench-1shot`` |
| ``rakuda`` | Rakuda | 40 | 1-10 | ``yuzuai/rakuda-questions`` |
| ``elyza-tasks-100`` | see `harness.tasks.elyza` | 100 | 1-5 | ``elyza/ELYZA-tasks-100`` |

A judge scores all of them on its own scale. Only Tengu-Bench writes points into its criteria: there a sentence is added
that maps their sum onto the judge's scale, in proportion, so that 10 points are its highest score and 0 its lowest.
In ``ja-freeform`` every task has its set as stratum and as tag, and ``SET/ID`` as its id; the sets are shuffled like
cards, so that the first tasks (``--limit``) hold each set in its share.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import InputError, UnknownNameError
from harness.locale import tr
from harness.tables import Row, read_table
from harness.tasks.elyza import open_elyza
from harness.tasks.files import SampleList, to_samples
from harness.tasks.hub_revision import hub_file
from harness.types import Sample, TaskSpec

ELYZA = "elyza-tasks-100"
JOINED = "ja-freeform"
_ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "input": ("input", "Question", "question", "text"),
    "reference": ("output", "reference", "Answer", "answer"),
    "criteria": ("eval_aspect", "criteria", "Criteria"),
    "tags": ("tags", "Category", "category"),
}
_POINTS = (
    "（この基準は0点から10点までの配点で書かれています。合計点を、求められている尺度に比例させて換算してください。"
    "10点なら尺度の最高点、0点なら最低点です。）"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeformSet:
    """A published set: its repository and split on the Hub, its size, and the names that files of it go by."""

    name: str
    repo: str
    split: str
    size: int
    files: tuple[str, ...]
    has_points: bool = False


SETS: Mapping[str, FreeformSet] = {
    one.name: one
    for one in (
        FreeformSet(
            name="tengu-bench",
            repo="lightblue/tengu_bench",
            split="test",
            size=120,
            files=("tengu-bench", "tengu_bench", "tengu"),
            has_points=True,
        ),
        FreeformSet(
            name="ja-mt-bench-1shot",
            repo="shisa-ai/ja-mt-bench-1shot",
            split="train",
            size=60,
            files=("ja-mt-bench-1shot", "ja-mt-1shot", "ja-mt-bench"),
        ),
        FreeformSet(
            name="rakuda",
            repo="yuzuai/rakuda-questions",
            split="train",
            size=40,
            files=("rakuda", "rakuda-questions"),
        ),
    )
}
_ELYZA_FILES = (ELYZA, "ELYZA-tasks-100", "elyza", "test")


def open_set(spec: TaskSpec) -> SampleList:
    """Return one of the sets, from ``spec.source`` or else from the Hub.

    ``revision`` in its table of harness.toml says which commit or tag of the data set is read; without it the default
    branch's commit of the first use, which is kept (see `harness.tasks.hub_revision`).

    Raises:
        HarnessError: the Hub cannot be reached.
        InputError: the file is not that set.
        UnknownNameError: its table in harness.toml has a key that says nothing here.
    """
    known = SETS[spec.name]
    for key in spec.settings:
        if key != "revision":
            raise UnknownNameError(
                tr("setting of [tasks.{name}]", name=spec.name), key, ["path", "columns", "revision"]
            )
    if spec.source:
        shown, path = spec.source, Path(spec.source)
    else:
        found = hub_file(known.repo, split=known.split, revision=spec.settings.get("revision"), task=spec.name)
        shown, path = str(found), found.path
    table = read_table(path)
    samples = to_samples(table.rows, path=shown, columns=_columns(table.rows, spec.columns))
    if len(samples) != known.size:
        raise InputError(
            tr("{n_samples} tasks, but {name} has {size}", n_samples=len(samples), name=known.name, size=known.size),
            path=shown,
            hint=tr("To run on a part of the set, use --limit; another set needs another name."),
        )
    if known.has_points:
        samples = [
            sample if sample.criteria is None else replace(sample, criteria=f"{sample.criteria}\n{_POINTS}")
            for sample in samples
        ]
    return SampleList(tuple(samples))


def open_joined(spec: TaskSpec) -> SampleList:
    """Return all four sets as one. ``spec.source`` is a folder that holds a file of each; without it they are fetched.

    ``[tasks.ja-freeform]`` of harness.toml may name the file of a set: ``rakuda = "PATH"``.

    Raises:
        HarnessError: the Hub cannot be reached.
        InputError: the folder lacks a set, or a file is not that set.
        UnknownNameError: its table in harness.toml has a key that is no set.
    """
    names = (ELYZA, *SETS)
    for key in (*spec.settings, *spec.columns):
        if key not in names:
            raise UnknownNameError(tr("setting of [tasks.{name}]", name=spec.name), key, ["path", *names])
    placed: list[tuple[float, Sample]] = []
    for name in names:
        named = spec.settings.get(name)
        source = str(named) if named is not None else None if spec.source is None else _in_folder(spec.source, name)
        opened: Callable[[TaskSpec], SampleList] = open_elyza if name == ELYZA else open_set
        own = opened(TaskSpec(name=name, source=source)).items
        placed += [
            ((place + 0.5) / len(own), replace(sample, id=f"{name}/{sample.id}", tags=(name,), stratum=name))
            for place, sample in enumerate(own)
        ]
    return SampleList(tuple(sample for _, sample in sorted(placed, key=lambda one: one[0])))


def _in_folder(folder: str, name: str) -> str:
    """Return the path of a set's file in a folder."""
    stems = _ELYZA_FILES if name == ELYZA else SETS[name].files
    place = Path(folder).expanduser()
    for stem in stems:
        for ending in _ENDINGS:
            if (place / f"{stem}{ending}").is_file():
                return str(place / f"{stem}{ending}")
    raise InputError(
        tr("no file of {name} in this folder", name=name),
        path=folder,
        hint=tr(
            "It would be named {stem}{endings}; or name it in harness.toml: [tasks.{joined}] {name} = 'PATH'.",
            stem=stems[0],
            endings="|".join(_ENDINGS),
            joined=JOINED,
            name=name,
        ),
    )


def _columns(rows: Iterable[Row], mapped: Mapping[str, str]) -> dict[str, str]:
    """Return the columns by role: those that were mapped, and the published sets' own names."""
    present = dict.fromkeys(name for row in rows for name in row.values)
    found = {role: next((name for name in names if name in present), None) for role, names in _COLUMNS.items()}
    return {role: name for role, name in found.items() if name is not None} | dict(mapped)
