"""The free-form sets, each alone and all as one: from files."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.codec import digest
from harness.errors import InputError, UnknownNameError
from harness.tasks.freeform import SETS, open_joined, open_set
from harness.types import Sample, TaskSpec


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"input": f"問い{n}", **more} for n in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of each set."""
    jsonl(tmp_path / "elyza-tasks-100.jsonl", rows(100, output="答え", eval_aspect="観点"))
    jsonl(tmp_path / "tengu.jsonl", rows(120, output="答え", eval_aspect="- 正しい:10点", tags=["数学"]))
    jsonl(tmp_path / "ja-mt-1shot.jsonl", rows(60))
    jsonl(tmp_path / "rakuda.jsonl", rows(40))
    return tmp_path


def joined(folder: Path, **settings: Any) -> list[Sample]:
    return list(open_joined(TaskSpec(name="ja-freeform", source=str(folder), settings=settings)).samples())


def test_four_sets_are_one(folder: Path) -> None:
    """320 tasks, each with its set as stratum and tag; any first part holds the sets in their shares."""
    samples = joined(folder)
    sizes = {"elyza-tasks-100": 100, "tengu-bench": 120, "ja-mt-bench-1shot": 60, "rakuda": 40}
    assert sizes == Counter(sample.stratum for sample in samples)
    assert all((sample.stratum,) == sample.tags for sample in samples)
    assert 320 == len({sample.id for sample in samples})
    first = Counter(sample.stratum for sample in samples[:32])
    assert all(abs(first[name] - size / 10) <= 1 for name, size in sizes.items())
    assert "rakuda/0" in {sample.id for sample in samples[:32]}


def test_tengus_points_are_mapped_onto_the_judges_scale(folder: Path) -> None:
    """Its criteria sum to ten points, and say what to make of them; nobody else's are touched."""
    samples = {sample.id: sample for sample in joined(folder)}
    assert "- 正しい:10点\n（この基準は0点から10点まで" in (samples["tengu-bench/3"].criteria or "")
    assert "観点" == samples["elyza-tasks-100/3"].criteria
    assert samples["rakuda/3"].criteria is None
    alone = open_set(TaskSpec(name="tengu-bench", source=str(folder / "tengu.jsonl"))).items[3]
    assert samples["tengu-bench/3"].criteria == alone.criteria
    assert ("数学",) == alone.tags


def test_the_published_columns_are_known(tmp_path: Path) -> None:
    """Question, Answer, Criteria and Category; and text."""
    path = jsonl(
        tmp_path / "t.jsonl",
        [{"Question": f"問{n}", "Answer": "答", "Criteria": "基準", "Category": "数学"} for n in range(120)],
    )
    sample = open_set(TaskSpec(name="tengu-bench", source=path)).items[7]
    assert ("問7", "答", ("数学",)) == (sample.input, sample.reference, sample.tags)
    path = jsonl(tmp_path / "r.jsonl", [{"text": f"問{n}", "category": "地理"} for n in range(40)])
    assert "問7" == open_set(TaskSpec(name="rakuda", source=path)).items[7].input


def test_what_is_wrong_is_told(folder: Path) -> None:
    """A set that is missing, one of another size, a misspelt key."""
    (folder / "rakuda.jsonl").unlink()
    with pytest.raises(InputError, match="no file of rakuda") as error:
        joined(folder)
    assert "rakuda.jsonl|.json|.csv|.parquet" in str(error.value.hint)
    path = jsonl(folder / "short.jsonl", rows(39))
    with pytest.raises(InputError, match="39 tasks, but rakuda has 40"):
        joined(folder, rakuda=path)
    with pytest.raises(UnknownNameError, match="rakuta"):
        joined(folder, rakuta="x")
    with pytest.raises(UnknownNameError, match="sheet"):
        open_set(TaskSpec(name="rakuda", source=path, settings={"sheet": 1}))


def test_a_file_of_one_set_may_be_named(folder: Path) -> None:
    """It takes the place of the folder's."""
    path = jsonl(folder / "mine.jsonl", [{"input": f"別の問い{n}"} for n in range(40)])
    assert "別の問い0" in {sample.input for sample in joined(folder, rakuda=path)}


def test_real_files(shared_data: Path, tmp_path: Path) -> None:
    """The published sets as they are: sizes, references and criteria."""
    for name in ("tengu.jsonl", "ja-mt-1shot.jsonl", "rakuda.jsonl"):
        shutil.copy(shared_data / "ja-freeform" / name, tmp_path / name)
    shutil.copy(shared_data / "elyza-tasks-100" / "test.jsonl", tmp_path / "test.jsonl")
    samples = joined(tmp_path)
    references = Counter(sample.stratum for sample in samples if sample.reference)
    assert {"elyza-tasks-100": 100, "tengu-bench": 77} == references
    assert 120 + 100 == sum(sample.criteria is not None for sample in samples)
    assert sum(known.size for known in SETS.values()) + 100 == len(samples)


def test_hashes_of_other_sets_stay() -> None:
    """A sample without a stratum has the digest that it always had."""
    plain = Sample(id="0", inputs={"input": "x"})
    older = {
        "cluster": None,
        "criteria": None,
        "id": "0",
        "inputs": {"input": "x"},
        "reference": None,
        "rules": [],
        "tags": [],
    }
    assert digest(older) == digest(plain)
    assert digest(plain) != digest(Sample(id="0", inputs={"input": "x"}, stratum="s"))
