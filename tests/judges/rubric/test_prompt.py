"""What a rubric's template gets: the answer in a fence that it cannot close, and the scale."""

from hypothesis import given
from hypothesis import strategies as st

from harness.types import LIKERT_5, Sample
from judges.rubric import fence, variables


@given(st.text())
def test_fence_is_not_in_the_answer(answer: str) -> None:
    """An answer never contains its own fence, not even after it has been appended to itself."""
    assert fence(answer) not in answer
    assert fence(answer + fence(answer)) not in answer + fence(answer)


def test_variables() -> None:
    """A template sees the sample, the answer, the scale and the fence; missing parts are None."""
    sample = Sample(id="3", inputs={"input": "首都は？"}, reference="東京", criteria=None)
    values = variables(sample, "東京です")
    assert ("首都は？", "東京", None, "東京です", LIKERT_5, fence("東京です")) == tuple(
        values[name] for name in ("input", "reference", "criteria", "answer", "scale", "fence")
    )
