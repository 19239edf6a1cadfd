"""What plugin authors test with, and what our own tests are made of: nothing here is used by the product.

>>> sorted(__all__)[:3]
['Call', 'Clock', 'Loopback']

Names are looked up when they are used, so that importing this package loads neither Hypothesis nor torch. What needs a
package that is not installed says which: ``pip install 'ja-harness[testing]'`` for the strategies, ``[local]`` for tiny
models.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.testing.clock import Clock as Clock
    from harness.testing.models import make_llama as make_llama
    from harness.testing.models import make_lora as make_lora
    from harness.testing.models import make_tokenizer as make_tokenizer
    from harness.testing.profiles import load_profile as load_profile
    from harness.testing.servers import compatible as compatible
    from harness.testing.servers import gemini as gemini
    from harness.testing.servers import openai as openai
    from harness.testing.servers.loopback import Call as Call
    from harness.testing.servers.loopback import Loopback as Loopback
    from harness.testing.servers.loopback import Step as Step
    from harness.testing.servers.loopback import in_turn as in_turn
    from harness.testing.servers.loopback import serve as serve
    from harness.testing.strategies import generations as generations
    from harness.testing.strategies import samples as samples
    from harness.testing.strategies import scales as scales
    from harness.testing.strategies import score_pairs as score_pairs
    from harness.testing.strategies import score_tables as score_tables
    from harness.testing.strategies import scores as scores
    from harness.testing.strategies import verdicts as verdicts

_PLACES = {
    "Call": "servers.loopback",
    "Clock": "clock",
    "Loopback": "servers.loopback",
    "Step": "servers.loopback",
    "compatible": "servers.compatible",
    "gemini": "servers.gemini",
    "generations": "strategies",
    "in_turn": "servers.loopback",
    "load_profile": "profiles",
    "make_llama": "models",
    "make_lora": "models",
    "make_tokenizer": "models",
    "openai": "servers.openai",
    "samples": "strategies",
    "scales": "strategies",
    "score_pairs": "strategies",
    "score_tables": "strategies",
    "scores": "strategies",
    "serve": "servers.loopback",
    "verdicts": "strategies",
}
__all__ = list(_PLACES)


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:
        """Import what is asked for.

        Raises:
            MissingExtraError: it needs a package that is not installed.
        """
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        place = _PLACES[name]
        module = importlib.import_module(f"{__name__}.{place}")
        return module if place.endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
