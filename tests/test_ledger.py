"""The ledger's records: what makes a task set this one, and which sets are parts of each other."""

from dataclasses import replace

from harness.ledger import Ledger, item_keys, task_set
from harness.types import Sample

SAMPLES = [Sample(id=str(number), inputs={"input": f"質問{number}"}) for number in range(6)]


SET = task_set("六問", SAMPLES, "2026-11-01")


def test_a_set_is_its_tasks() -> None:
    """Ids, order, name and date are no part of it; one letter is; of copies each counts."""
    renamed = [replace(sample, id=f"x{sample.id}") for sample in reversed(SAMPLES)]
    assert SET.digest == task_set("other", renamed, "").digest
    changed = [*SAMPLES[:5], replace(SAMPLES[5], inputs={"input": "質問６"})]
    assert SET.digest != task_set("六問", changed, "").digest
    assert SET.digest != task_set("六問", [*SAMPLES, SAMPLES[0]], "").digest
    assert 3 == len(set(item_keys([SAMPLES[0]] * 3)))


def test_clusters_stay_with_their_tasks() -> None:
    """They are in the order of the items, whatever the order of the samples."""
    samples = [replace(sample, cluster=f"c{sample.id}") for sample in SAMPLES]
    one, other = task_set("a", samples, ""), task_set("a", samples[::-1], "")
    assert one.clusters == other.clusters
    by_item = dict(zip(item_keys(samples), (sample.cluster for sample in samples), strict=True))
    assert tuple(by_item[item] for item in one.items) == one.clusters
    assert SET.clusters is None


def test_parts_of_a_set_are_related_and_others_are_not() -> None:
    """The first half, the second and the whole: each half knows the whole, and not the other half."""
    first, second = task_set("六問", SAMPLES[:3], ""), task_set("six", SAMPLES[3:], "")
    edited = task_set("六問", [*SAMPLES[:5], Sample(id="5", inputs={"input": "別"})], "")
    known = Ledger(sets=(SET, first, second, edited))
    assert {SET.digest, first.digest, second.digest} == {one.digest for one in known.related(SET.items)}
    assert {SET.digest, second.digest} == {one.digest for one in known.related(second.items)}
    assert {edited.digest, first.digest} == {one.digest for one in known.related(edited.items)}
    assert [edited.digest] == [one.digest for one in known.overlapping(SET.items)]
    assert () == known.overlapping(first.items) == known.overlapping(())
