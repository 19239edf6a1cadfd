"""transformers' own remarks and bars, kept off stderr: what is under way is said by us, in one style and language."""

import contextlib
import functools
from collections.abc import Iterator

from transformers import modeling_gguf_pytorch_utils as gguf_reader
from transformers.utils import logging


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' remarks and progress bars off stderr."""
    verbosity, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    bar = gguf_reader.tqdm
    gguf_reader.tqdm = functools.partial(bar, disable=True)  # it asks nobody whether it is wanted
    try:
        yield
    finally:
        gguf_reader.tqdm = bar
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
