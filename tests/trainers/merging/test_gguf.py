"""GGUF by llama.cpp's programs, for which scripts with the same command lines stand in here."""

import stat
import sys
from pathlib import Path

import pytest

from harness.errors import GgufError, InputError, UsageError
from trainers.merging.gguf import check_quant, export_gguf, find_llama_cpp

CONVERTER = """
import sys
from gguf import GGUFWriter
from transformers import AutoTokenizer
model, out = sys.argv[1], sys.argv[sys.argv.index("--outfile") + 1]
assert sys.argv[sys.argv.index("--outtype") + 1] in {"auto", "q8_0", "f16"}
tokenizer = AutoTokenizer.from_pretrained(model)
tokens = [tokenizer.convert_ids_to_tokens(number) for number in range(len(tokenizer))]
CHANGE
writer = GGUFWriter(out, "llama")
writer.add_token_list(tokens)
writer.add_eos_token_id(EOS)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.close()
"""


def install(folder: Path, *, change: str = "", eos: str = "tokenizer.eos_token_id") -> Path:
    """Write programs that take llama.cpp's arguments: a converter of the vocabulary alone, a quantizer that copies."""
    (folder / "build" / "bin").mkdir(parents=True)
    script = CONVERTER.replace("CHANGE", change).replace("EOS", eos)
    (folder / "convert_hf_to_gguf.py").write_text(script, encoding="utf-8")
    quantizer = folder / "build" / "bin" / "llama-quantize"
    quantizer.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nassert sys.argv[3] == 'Q4_K_M'\n"
        "shutil.copy(sys.argv[1], sys.argv[2])\n"
    )
    quantizer.chmod(quantizer.stat().st_mode | stat.S_IXUSR)
    return folder


def export(model: Path, tools: Path, quant: str) -> Path:
    """Export without a word."""
    return export_gguf(model, quant, find_llama_cpp(str(tools), quant), lambda _: None)


def test_a_gguf_file_is_written_beside_the_model(tiny: Path, tmp_path: Path) -> None:
    """By the converter and the quantizer, or by the converter alone where that suffices; no part of it stays."""
    tools = install(tmp_path / "llama.cpp")
    before = {path.name for path in tiny.iterdir()}
    written = [export(tiny, tools, quant) for quant in ("Q4_K_M", "Q8_0")]
    assert [f"{tiny.name}-Q4_K_M.gguf", f"{tiny.name}-Q8_0.gguf"] == [path.name for path in written]
    assert before | {path.name for path in written} == {path.name for path in tiny.iterdir()}
    for path in written:
        assert b"GGUF" == path.read_bytes()[:4]
        path.unlink()


@pytest.mark.parametrize(
    ("change", "eos", "message"),
    [
        ("tokens[70], tokens[71] = tokens[71], tokens[70]", "tokenizer.eos_token_id", "another token 70"),
        ("del tokens[-1]", "tokenizer.eos_token_id", "None, not"),
        ("", "1", "ends answers at token 1, the tokenizer at 2"),
        ("sys.exit('Model FooForCausalLM is not supported')", "2", "failed .1.: Model FooForCausalLM is not supported"),
    ],
)
def test_a_file_with_other_tokens_is_none(change: str, eos: str, message: str, tiny: Path, tmp_path: Path) -> None:
    """Swapped or missing tokens, another end, a converter that fails: told, and nothing is left."""
    tools = install(tmp_path / "llama.cpp", change=change, eos=eos)
    before = {path.name for path in tiny.iterdir()}
    with pytest.raises(GgufError, match=message):
        export(tiny, tools, "Q8_0")
    assert before == {path.name for path in tiny.iterdir()}


def test_how_to_get_llama_cpp_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing by name; Q8_0 needs no quantizer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"convert_hf_to_gguf\.py \+ llama-quantize") as caught:
        find_llama_cpp(None, "Q4_K_M")
    assert "git clone https://github.com/ggml-org/llama.cpp" in str(caught.value.hint)
    (tmp_path / "convert_hf_to_gguf.py").write_text("")
    with pytest.raises(InputError, match=r"llama\.cpp's llama-quantize is not here"):
        find_llama_cpp(str(tmp_path), "Q5_K_M")
    assert find_llama_cpp(str(tmp_path), "Q8_0").quantizer is None
    with pytest.raises(UsageError, match="is no quantisation") as caught_usage:
        check_quant("Q4KM")
    assert "Q4_K_M" in str(caught_usage.value.hint)
