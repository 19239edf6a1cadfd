"""What a rubric judge shows, and what it says of a rubric or of samples beforehand."""

from pathlib import Path

from harness.templates import load_template
from harness.types import LIKERT_5, Sample
from judges.rubric.asking import rubric_messages, rubric_notices

SAMPLE = Sample(id="1", inputs={"input": "首都は？"}, reference="東京")


def rubric(folder: Path, text: str, **front: str) -> str:
    head = "".join(f"{name}: {value}\n" for name, value in front.items())
    (folder / "mine.v1.j2").write_text(f"---\nname: mine\nversion: 1\n{head}---\n{text}", encoding="utf-8")
    return str(folder / "mine.v1.j2")


def test_the_system_text_comes_first(tmp_path: Path) -> None:
    """It is a turn of its own."""
    path = rubric(tmp_path, "{{ input }}→{{ answer }}", format="chat", system="公平に採点する。")
    messages = rubric_messages(load_template(path, kind="judges"), SAMPLE, "大阪", LIKERT_5)
    assert [("system", "公平に採点する。"), ("user", "首都は？→大阪")] == [(one.role, one.content) for one in messages]


def test_a_rubric_without_a_fence_and_samples_without_a_reference_are_told(tmp_path: Path) -> None:
    """One line each, with the numbers."""
    path = rubric(tmp_path, "{{ input }} {{ reference }} {{ answer }}")
    samples = [SAMPLE, Sample(id="2", inputs={"input": "天気は？"})]
    fence, reference = rubric_notices("j", load_template(path, kind="judges"), LIKERT_5, "t", samples)
    assert "without {{ fence }}" in fence
    assert "1 of 2 tasks of t have no reference" in reference


def test_a_shipped_rubric_has_nothing_to_say() -> None:
    """It fences the answer, and every sample has its reference."""
    assert [] == rubric_notices("j", load_template("elyza.v1", kind="judges"), LIKERT_5, "t", [SAMPLE])
