"""A benchmark harness for Japanese LLM fine-tunes: specs to answers to judgements to honest statistics.

>>> import harness
>>> sorted(name for name in harness.__all__ if name.islower())
['add_judges', 'compare', 'evaluate', 'export', 'list_runs', 'load_run', 'merge_runs']

Names are looked up when they are used: importing this package loads nothing heavy. See docs/python.md.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.errors import AdapterMismatchError as AdapterMismatchError
    from harness.errors import DamagedFileError as DamagedFileError
    from harness.errors import GgufError as GgufError
    from harness.errors import HarnessError as HarnessError
    from harness.errors import HubError as HubError
    from harness.errors import InputError as InputError
    from harness.errors import JudgeUnavailableError as JudgeUnavailableError
    from harness.errors import LostVerdictsError as LostVerdictsError
    from harness.errors import MissingFontError as MissingFontError
    from harness.errors import MissingKeyError as MissingKeyError
    from harness.errors import ModelLoadError as ModelLoadError
    from harness.errors import ModelUnavailableError as ModelUnavailableError
    from harness.errors import NothingToJudgeError as NothingToJudgeError
    from harness.errors import NothingUsableError as NothingUsableError
    from harness.errors import OutOfMemoryError as OutOfMemoryError
    from harness.errors import PlanMismatchError as PlanMismatchError
    from harness.errors import PluginError as PluginError
    from harness.errors import PromptMismatchError as PromptMismatchError
    from harness.errors import PromptTokensError as PromptTokensError
    from harness.errors import QuotaEndedError as QuotaEndedError
    from harness.errors import RatingError as RatingError
    from harness.errors import RerunError as RerunError
    from harness.errors import RetiredModelError as RetiredModelError
    from harness.errors import RunMismatchError as RunMismatchError
    from harness.errors import RunNameError as RunNameError
    from harness.errors import SameJudgeError as SameJudgeError
    from harness.errors import ServiceSettingsError as ServiceSettingsError
    from harness.errors import StatisticsError as StatisticsError
    from harness.errors import StoreError as StoreError
    from harness.errors import StoreGoneError as StoreGoneError
    from harness.errors import StoreUnreachableError as StoreUnreachableError
    from harness.errors import SubmissionError as SubmissionError
    from harness.errors import TaskSetError as TaskSetError
    from harness.errors import TemplateError as TemplateError
    from harness.errors import TrainingDataError as TrainingDataError
    from harness.errors import TrainingError as TrainingError
    from harness.errors import UnequalEngineError as UnequalEngineError
    from harness.errors import UnfinishedRunError as UnfinishedRunError
    from harness.errors import UnknownNameError as UnknownNameError
    from harness.errors import UnknownPriceError as UnknownPriceError
    from harness.errors import UnlikeJudgesError as UnlikeJudgesError
    from harness.errors import UnlikeRunsError as UnlikeRunsError
    from harness.errors import UnwritableError as UnwritableError
    from harness.errors import UsageError as UsageError
    from harness.installation import MissingExtraError as MissingExtraError
    from harness.runs.api import add_judges as add_judges
    from harness.runs.api import compare as compare
    from harness.runs.api import evaluate as evaluate
    from harness.runs.api import export as export
    from harness.runs.api import list_runs as list_runs
    from harness.runs.api import load_run as load_run
    from harness.runs.api import merge_runs as merge_runs
    from harness.runs.run import Run as Run

_ERRORS = (
    "AdapterMismatchError",
    "DamagedFileError",
    "GgufError",
    "HarnessError",
    "HubError",
    "InputError",
    "JudgeUnavailableError",
    "LostVerdictsError",
    "MissingFontError",
    "MissingKeyError",
    "ModelLoadError",
    "ModelUnavailableError",
    "NothingToJudgeError",
    "NothingUsableError",
    "OutOfMemoryError",
    "PlanMismatchError",
    "PluginError",
    "PromptMismatchError",
    "PromptTokensError",
    "QuotaEndedError",
    "RatingError",
    "RerunError",
    "RetiredModelError",
    "RunMismatchError",
    "RunNameError",
    "SameJudgeError",
    "ServiceSettingsError",
    "StatisticsError",
    "StoreError",
    "StoreGoneError",
    "StoreUnreachableError",
    "SubmissionError",
    "TaskSetError",
    "TemplateError",
    "TrainingDataError",
    "TrainingError",
    "UnfinishedRunError",
    "UnknownNameError",
    "UnknownPriceError",
    "UnlikeJudgesError",
    "UnequalEngineError",
    "UnlikeRunsError",
    "UnwritableError",
    "UsageError",
)
_PLACES = {
    **dict.fromkeys(_ERRORS, "errors"),
    "MissingExtraError": "installation",
    "Run": "runs.run",
    "add_judges": "runs.api",
    "compare": "runs.api",
    "evaluate": "runs.api",
    "export": "runs.api",
    "list_runs": "runs.api",
    "load_run": "runs.api",
    "merge_runs": "runs.api",
}
__all__ = list(_PLACES)


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - as PEP 562 has it
        """Import what is asked for."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
