"""Which of the models that people fine-tune here, or have as judges, fit into so much memory, by arithmetic alone."""

from dataclasses import dataclass

_SLACK = 1.05  # as `harness.models.hf.memory` has it
_NF4 = 0.5 + 4 / 64
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A Llama's shape: as its config.json says. ``keys``: the width of its keys and values, None where it is hidden."""

    name: str
    hidden: int
    layers: int
    inner: int
    vocabulary: int
    keys: int | None = None

    @property
    def linear(self) -> int:
        """Weights that nf4 quantises."""
        return self.layers * self.hidden * (2 * self.hidden + 2 * (self.keys or self.hidden) + 3 * self.inner)

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
# docs/local-judge.md says what is published of each; the smallest memory first.
JUDGES = (
    Shape(name="Unbabel/M-Prometheus-7B", hidden=3584, layers=28, inner=18944, vocabulary=152064, keys=512),
    Shape(name="Unbabel/M-Prometheus-14B", hidden=5120, layers=48, inner=13824, vocabulary=152064, keys=1024),
    Shape(name="meta-llama/Llama-3.3-70B-Instruct", hidden=8192, layers=80, inner=28672, vocabulary=128256, keys=1024),
    Shape(name="Nexusflow/Athene-V2-Chat", hidden=8192, layers=80, inner=29568, vocabulary=152064, keys=1024),
)


def judges_that_fit(gib: float) -> list[Shape]:
    """Return the largest of the judges that fit in nf4: those of one size stand beside each other.

    >>> [[one.name.partition("/")[2] for one in judges_that_fit(gib)] for gib in (4, 7.4, 22.2, 79)]
    [[], ['M-Prometheus-7B'], ['M-Prometheus-14B'], ['Llama-3.3-70B-Instruct', 'Athene-V2-Chat']]
    """
    fitting = [shape for shape in JUDGES if fits(shape, "nf4", gib)]
    return [shape for shape in fitting if shape.linear > 0.9 * fitting[-1].linear]


def fits(shape: Shape, numerics: str, gib: float) -> bool:
    """Return whether its weights fit into so many GiB, with a tenth of them left for a batch.

    >>> [fits(SHAPES[-1], "nf4", 22.2), fits(SHAPES[-1], "nf4", 14.6), fits(SHAPES[-1], "bfloat16", 22.2)]
    [True, True, False]
    """
    return shape.gib(numerics) <= 0.9 * gib
