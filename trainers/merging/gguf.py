"""A merged model as GGUF, by llama.cpp's own converter and quantizer, with its tokens compared."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from harness.errors import GgufError, InputError, UsageError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.templates.contract import FURTHER, PROBE
from trainers.merging.merge import check_room

try:
    from gguf import GGUFReader
except ImportError:  # of the extra [demo]
    GGUFReader = None

QUANTS = (
    *("F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0"),
    *("IQ4_NL", "IQ4_XS", "Q3_K_L", "Q3_K_M", "Q3_K_S", "IQ3_M", "Q2_K"),
)
_BY_CONVERTER = {"F32": "f32", "F16": "f16", "BF16": "bf16", "Q8_0": "q8_0"}  # without the quantizer
_CONVERTER = "convert_hf_to_gguf.py"
_QUANTIZER = "llama-quantize"
_TOKENIZER = "llama-tokenize"
_PLACES = ("", "build/bin", "bin", "build/bin/Release")
_SHOWN = 400  # characters of what a program said
_NEWER = tr("This version of llama.cpp does not know the tokenizer: take a newer one.")
_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCpp:
    """Where llama.cpp's programs are; ``tokenizer`` is None where there is none."""

    converter: Path
    quantizer: Path | None
    tokenizer: Path | None


def find_llama_cpp(folder: str | None, quant: str) -> LlamaCpp:
    """Return llama.cpp's programs in a folder (a checkout, with ``build/bin`` if it was built) or on the PATH.

    Raises:
        InputError: what is needed for ``quant`` is not there, with how to get it.
    """
    converter = _find(folder, _CONVERTER)
    quantizer = _find(folder, _QUANTIZER)
    missing = [
        name
        for name, found in ((_CONVERTER, converter), (_QUANTIZER, quantizer))
        if found is None and not (name == _QUANTIZER and quant in _BY_CONVERTER)
    ]
    if converter is None or missing:
        raise InputError(
            tr("llama.cpp's {names} is not here.", names=" + ".join(missing)),
            path=folder or "PATH",
            hint=tr(
                "git clone https://github.com/ggml-org/llama.cpp, pip install -r "
                "llama.cpp/requirements/requirements-convert_hf_to_gguf.txt (in an environment of its own), cmake -B "
                "build && cmake --build build -t llama-quantize; then --llama-cpp llama.cpp. F16, BF16, F32 and Q8_0 "
                "need no build."
            ),
        )
    return LlamaCpp(converter=converter, quantizer=quantizer, tokenizer=_find(folder, _TOKENIZER))


def export_gguf(model: Path, quant: str, tools: LlamaCpp, say: Callable[[str], None]) -> Path:
    """Write ``MODEL/NAME-QUANT.gguf`` and return its path; it is there whole or not at all.

    Raises:
        UnwritableError: the disk has no room.
        GgufError: a program fails, or the file has other tokens than the model.
    """
    if GGUFReader is None:
        raise MissingExtraError(tr("GGUF reader"), "demo")
    target = model / f"{model.resolve().name}-{quant}.gguf"
    plain, part = (model / f".{target.name}.{end}" for end in ("plain", "part"))
    weights = sum(path.stat().st_size for path in model.glob("*.safetensors"))
    check_room(model, weights if quant in _BY_CONVERTER else 2 * weights)
    try:
        say(tr("Converting with {program} ...", program=tools.converter.name))
        first = part if quant in _BY_CONVERTER else plain
        outtype = _BY_CONVERTER.get(quant, "auto")
        _run([sys.executable, str(tools.converter), str(model), "--outfile", str(first), "--outtype", outtype])
        if first is plain:
            assert tools.quantizer is not None
            say(tr("Quantising to {quant} ...", quant=quant))
            _run([str(tools.quantizer), str(plain), str(part), quant])
        check_tokens(part, model, tools.tokenizer)
        part.replace(target)
    finally:
        for path in (plain, part):
            path.unlink(missing_ok=True)
    return target


def check_tokens(file: Path, model: Path, program: Path | None = None) -> None:
    """Compare a GGUF file's vocabulary and end of sequence with the tokenizer of a model's folder.

    With llama.cpp's ``llama-tokenize``, what it makes of some texts is compared, too.

    Raises:
        GgufError: a token is another one, named with its id.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(model, local_files_only=True)
    fields = GGUFReader(file).fields
    if "tokenizer.ggml.tokens" not in fields:
        raise GgufError(tr("{file} has no vocabulary.", file=file.name), hint=_NEWER)
    found = [_plain(token) for token in fields["tokenizer.ggml.tokens"].contents()]
    for number in range(len(tokenizer)):
        expected = tokenizer.convert_ids_to_tokens(number)
        actual = found[number] if number < len(found) else None
        if expected is not None and actual != _plain(expected):
            raise GgufError(
                tr(
                    "The GGUF file has another token {number} than the tokenizer: {actual!r}, not {expected!r}.",
                    number=number,
                    actual=actual,
                    expected=expected,
                ),
                hint=_NEWER,
            )
    end = fields.get("tokenizer.ggml.eos_token_id")
    if end is not None and tokenizer.eos_token_id is not None and end.contents() != tokenizer.eos_token_id:
        raise GgufError(
            tr(
                "The GGUF file ends answers at token {found}, the tokenizer at {expected}.",
                found=end.contents(),
                expected=tokenizer.eos_token_id,
            ),
            hint=_NEWER,
        )
    for text in (PROBE, *FURTHER) if program else ():
        expected = tokenizer(text, add_special_tokens=False)["input_ids"]
        said = _run([str(program), "-m", str(file), "-p", text, "--ids", "--no-bos", "--no-escape", "--log-disable"])
        if [int(part) for part in said.strip().strip("[]").split(",") if part.strip()] != expected:
            raise GgufError(
                tr("llama.cpp makes other tokens than the tokenizer of {text!r}.", text=text[:40]), hint=_NEWER
            )


def check_quant(quant: str) -> str:
    """Return a quantisation's name as llama.cpp writes it.

    >>> check_quant("q4_k_m")
    'Q4_K_M'

    Raises:
        UsageError: llama.cpp has none of that name.
    """
    name = quant.upper()
    if name not in QUANTS:
        raise UsageError(
            tr("--gguf {quant!r} is no quantisation.", quant=quant), hint=tr("One of {names}.", names=", ".join(QUANTS))
        )
    return name


def _plain(token: str) -> str:
    """Return a token as the two write it alike: the converter writes blanks in some of them as blanks."""
    return token.replace("▁", " ")


def _find(folder: str | None, name: str) -> Path | None:
    if folder is None:
        found = shutil.which(name)
        return Path(found) if found else None
    names = (name, f"{name}.exe")
    places = (Path(folder).expanduser() / place / name for place in _PLACES for name in names)
    return next((path.absolute() for path in places if path.is_file()), None)


def _run(command: Sequence[str]) -> str:
    """Run a program and return what it says on stdout.

    Raises:
        GgufError: it fails, with the end of what it said.
    """
    try:
        done = subprocess.run(  # noqa: S603 - llama.cpp's programs, where the user said they are
            command, capture_output=True, text=True, errors="replace", check=False, timeout=12 * _HOUR
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GgufError(
            tr("{program} cannot be run: {error}.", program=Path(command[0]).name, error=error),
            hint=tr("Build llama.cpp on this machine, and name its folder with --llama-cpp."),
        ) from error
    if done.returncode != 0:
        program = next(Path(part).name for part in command if part != sys.executable)
        said = " ".join((done.stderr or done.stdout).split())[-_SHOWN:]
        raise GgufError(
            tr("{program} failed ({code}): {said}", program=program, code=done.returncode, said=said),
            hint=tr("The merged model itself is whole (hf:DIR). To try again, choose another --output."),
        )
    return done.stdout
