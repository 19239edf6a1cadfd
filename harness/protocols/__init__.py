"""The three doors a plugin comes through: models, judges and tasks.

A plugin is a factory, registered as an entry point, that takes one spec and returns the object below:

* ``harness.models``: ``factory(spec: ModelSpec)`` returns a `ModelBackend`, or a mapping of labels to backends;
* ``harness.judges``: ``factory(spec: JudgeSpec)`` returns a `Judge`, or a sequence of them;
* ``harness.tasks``: ``factory(spec: TaskSpec)`` returns a `TaskSource`.

What a judge or model declares is in `JudgeInfo` and `ModelInfo`: as attributes of the object, each with the field's
name and default, or as one record in its attribute ``info``. What it can do besides is one of the protocols below.
`harness.plugins.make` checks both; nothing else is looked for.

Write plain synchronous code: concurrency, retries across items, rate limits and budgets belong to the engine.
"""

from harness.protocols.declared import (
    FREE,
    KINDS,
    SOURCES,
    JudgeInfo,
    Kind,
    ModelInfo,
    Price,
    Source,
    is_free,
    older_source,
)
from harness.protocols.engines import (
    ForcedAnswer,
    ReferenceNumbers,
    SecondEngine,
    ShowsNumbers,
    TokenNumbers,
)
from harness.protocols.judges import (
    CallEstimate,
    ChecksRows,
    ChecksSamples,
    Closes,
    EstimatesCost,
    Judge,
    JudgesInBatches,
    JudgesPairs,
    JudgesTogether,
    KeepsVersion,
    RatesPrompts,
    Ratings,
    names_prompts,
    prompts_share,
    version_fingerprint,
)
from harness.protocols.models import (
    AnswerFile,
    AnswersTogether,
    ChoosesEngine,
    EngineChoice,
    FreeText,
    GivesNotices,
    KnowsTrainingPrompt,
    MachineNeeds,
    MeetsTasks,
    ModelBackend,
    ModelStopped,
    NeedsMachine,
    ScoresWords,
    Sharing,
    ShowsTokens,
    SpreadsOverGpus,
    WordScores,
)
from harness.protocols.served import BatchNote, BatchNotes, CallCounts, CallLimits, Delay, Served
from harness.protocols.tasks import TaskSource, TellsOfTasks

__all__ = [
    "FREE",
    "KINDS",
    "SOURCES",
    "AnswerFile",
    "AnswersTogether",
    "BatchNote",
    "BatchNotes",
    "CallCounts",
    "CallEstimate",
    "CallLimits",
    "ChecksRows",
    "ChecksSamples",
    "ChoosesEngine",
    "Closes",
    "Delay",
    "EngineChoice",
    "EstimatesCost",
    "ForcedAnswer",
    "FreeText",
    "GivesNotices",
    "Judge",
    "JudgeInfo",
    "JudgesInBatches",
    "JudgesPairs",
    "JudgesTogether",
    "KeepsVersion",
    "Kind",
    "KnowsTrainingPrompt",
    "MachineNeeds",
    "MeetsTasks",
    "ModelBackend",
    "ModelInfo",
    "ModelStopped",
    "NeedsMachine",
    "Price",
    "RatesPrompts",
    "Ratings",
    "ReferenceNumbers",
    "ScoresWords",
    "SecondEngine",
    "Served",
    "Sharing",
    "ShowsNumbers",
    "ShowsTokens",
    "Source",
    "SpreadsOverGpus",
    "TaskSource",
    "TellsOfTasks",
    "TokenNumbers",
    "WordScores",
    "is_free",
    "names_prompts",
    "older_source",
    "prompts_share",
    "version_fingerprint",
]
