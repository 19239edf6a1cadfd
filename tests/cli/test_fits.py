"""What fits by arithmetic: the same sizes as counting the weights of the real shapes."""

import re

import pytest

from harness.cli.fits import JUDGES, SHAPES, Shape, fits, judges_that_fit
from tests.conftest import ROOT


def test_the_shapes_have_their_published_sizes() -> None:
    """Within a tenth of a billion of what the models' names and cards say; 27.4 GB in bfloat16 at 13.7 B."""
    billions = [round((shape.linear + shape.other) / 1e9, 1) for shape in SHAPES]
    assert [1.9, 3.8, 7.3, 13.7] == pytest.approx(billions, abs=0.11)
    largest = SHAPES[-1]
    assert 27.4e9 == pytest.approx(largest.gib("bfloat16") * 2**30 / 1.05, rel=0.01)


@pytest.mark.parametrize("shape", [*SHAPES, *JUDGES], ids=lambda shape: shape.name)
def test_counting_the_weights_of_the_configuration_is_the_oracle(shape: Shape) -> None:
    """A Llama of this shape by transformers itself, without allocating weights; norms are left out."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    heads = 16 if shape.keys is None else shape.hidden // 128
    config = transformers.LlamaConfig(
        hidden_size=shape.hidden, num_hidden_layers=shape.layers, intermediate_size=shape.inner,
        vocab_size=shape.vocabulary, num_attention_heads=heads, tie_word_embeddings=False,
        num_key_value_heads=heads if shape.keys is None else shape.keys * heads // shape.hidden,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    assert sum(one.numel() for one in model.parameters()) == pytest.approx(shape.linear + shape.other, rel=1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_fewer_bits_fit_into_less(shape: Shape) -> None:
    """A tenth is left for a batch; exactly nine tenths still fit."""
    sizes = [shape.gib(numerics) for numerics in ("nf4", "bfloat16", "float32")]
    assert sizes == sorted(sizes)
    assert fits(shape, "nf4", sizes[0] / 0.9 + 1e-9)
    assert not fits(shape, "nf4", sizes[0] / 0.9 - 1e-6)


def test_the_judges_have_their_published_sizes() -> None:
    """In billions, as their pages on the Hub say."""
    assert [7.62, 14.77, 70.55, 72.71] == pytest.approx([(one.linear + one.other) / 1e9 for one in JUDGES], abs=0.01)


@pytest.mark.parametrize("name", ["local-judge.md", "local-judge.ja.md"])
def test_the_page_names_the_judges_by_the_memory_that_they_fit(name: str) -> None:
    """Each row of 8, 16, 24 and 80 GB names those that fit there, in this order, and nothing else of the Hub."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    rows = {int(row[1]): row[2] for row in re.finditer(r"^\| (\d+) GB \|([^|]*)\|", text, re.MULTILINE)}
    assert [8, 16, 24, 80] == list(rows)
    for gigabytes, cell in rows.items():
        shown = re.findall(r"`([\w.-]+/[\w.-]+)`", cell)
        assert shown == [one.name for one in judges_that_fit(gigabytes * 1e9 / 2**30)], gigabytes
