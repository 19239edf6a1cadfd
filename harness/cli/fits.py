"""Which of the models that people fine-tune here fit into so much memory, by arithmetic alone."""

from dataclasses import dataclass

_SLACK = 1.05  # as `harness.models.hf.memory` has it
_NF4 = 0.5 + 4 / 64
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A Llama's shape: as its config.json says."""

    name: str
    hidden: int
    layers: int
    inner: int
    vocabulary: int

    @property
    def linear(self) -> int:
        """Weights that nf4 quantises."""
        return self.layers * (4 * self.hidden**2 + 3 * self.hidden * self.inner)

    @property
    def other(self) -> int:
        """Weights that it leaves alone."""
        return 2 * self.vocabulary * self.hidden

    def gib(self, numerics: str) -> float:
        """Return the GiB of its weights as ``nf4``, ``bfloat16`` or ``float32``.

        >>> [round(SHAPES[-1].gib(numerics), 1) for numerics in ("nf4", "bfloat16", "float32")]
        [9.0, 26.8, 53.6]
        """
        rest = 4 if numerics == "float32" else 2
        linear = {"nf4": _NF4, "bfloat16": 2.0, "float32": 4.0}[numerics]
        return (self.linear * linear + self.other * rest) * _SLACK / _GIB


SHAPES = (
    Shape(name="llm-jp-3-1.8b", hidden=2048, layers=24, inner=7168, vocabulary=99584),
    Shape(name="llm-jp-3-3.7b", hidden=3072, layers=28, inner=8192, vocabulary=99584),
    Shape(name="llm-jp-3-7.2b", hidden=4096, layers=32, inner=11008, vocabulary=99584),
    Shape(name="llm-jp-3-13b", hidden=5120, layers=40, inner=13824, vocabulary=99584),
)


def fits(shape: Shape, numerics: str, gib: float) -> bool:
    """Return whether its weights fit into so many GiB, with a tenth of them left for a batch.

    >>> [fits(SHAPES[-1], "nf4", 22.2), fits(SHAPES[-1], "nf4", 14.6), fits(SHAPES[-1], "bfloat16", 22.2)]
    [True, True, False]
    """
    return shape.gib(numerics) <= 0.9 * gib
