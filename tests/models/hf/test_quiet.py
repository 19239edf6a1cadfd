"""What transformers would write while it loads and converts, and does not."""

import pytest
from transformers import modeling_gguf_pytorch_utils as gguf_reader
from transformers.utils import logging

from harness.models.hf.quiet import quiet


def bars() -> None:
    """Draw both kinds of bars, and say something."""
    logging.enable_progress_bar()
    for bar in (logging.tqdm, gguf_reader.tqdm):
        list(bar(range(3), desc="Loading weights"))


def test_no_bar_is_drawn_inside(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither that which can be switched off, nor that of the GGUF reader; afterwards both are as they were."""
    bars()
    assert 2 == capfd.readouterr().err.count("3/3")
    reader, verbosity = gguf_reader.tqdm, logging.get_verbosity()
    with quiet():
        for bar in (logging.tqdm, gguf_reader.tqdm):
            list(bar(range(3), desc="Loading weights"))
        logging.get_logger("transformers").warning("remark")
    assert "" == capfd.readouterr().err
    assert (reader, verbosity, True) == (gguf_reader.tqdm, logging.get_verbosity(), logging.is_progress_bar_enabled())


def test_what_was_off_stays_off() -> None:
    """Whoever switched bars off before gets none afterwards."""
    logging.disable_progress_bar()
    with pytest.raises(ValueError, match="x"), quiet():
        raise ValueError("x")
    assert not logging.is_progress_bar_enabled()
    logging.enable_progress_bar()
