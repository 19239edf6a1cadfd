"""GGUF files, turned into a folder that transformers loads in seconds.

transformers reads GGUF, but takes a minute for a vocabulary of 262,000 entries, each time; a quarter of it with
`harness.models.hf.gguf_reading`. Converting once to float32 safetensors keeps the exact values of the quantised file.
"""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.errors import InputError
from harness.installation import MissingExtraError
from harness.locale import tr
from harness.locale.telling import during
from harness.models.hf.cache import build_once
from harness.models.hf.gguf_reading import quick_reading
from harness.models.hf.quiet import quiet


def converted(path: Path, digest: str) -> Path:
    """Return a folder with the model and the tokenizer of a GGUF file; ``digest`` is the file's identity.

    Raises:
        HarnessError: the file is no GGUF model that transformers knows, or the cache folder cannot be written.
    """
    return build_once(f"{path.stem}-{digest[:16]}", lambda folder: convert(path, folder))


def convert(path: Path, folder: Path) -> None:
    """Write the model and the tokenizer of a GGUF file into ``folder``, as float32 safetensors.

    Raises:
        InputError: the file is no GGUF model that transformers knows.
        OSError: the folder cannot be written.
    """
    with quiet(), during(tr("converting {name}, only this once", name=path.name)):
        _convert(path, folder)


def _convert(path: Path, folder: Path) -> None:
    try:
        with quick_reading():
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
            model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    except ImportError as error:
        raise MissingExtraError(tr("GGUF reader"), "demo") from error
    except Exception as error:  # whatever transformers makes of a broken file is the file's fault
        raise InputError(tr("not a GGUF model that transformers can read: {error}", error=error), path=path) from error
    model.is_quantized = False  # the values are plain float32 now: transformers may save them
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
