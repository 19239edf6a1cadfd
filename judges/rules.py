"""The ``rules`` judge: the share of checkable constraints that an answer meets. It needs no key and no reference.

It measures whether instructions about form were followed, not whether the answer is good: on judged answers of 169
models the rank correlation of such rules with a strong judge's means was about 0. Reports call its scores checks.

Checks come from two places. A task file's ``rules`` column holds those of one sample; the ``[judges.rules]`` table of
harness.toml changes the global ones, which apply to every answer unless the sample has a rule of the same type::

    [judges.rules]
    japanese_ratio = 0.3                      # another value (the defaults are in GLOBAL_CHECKS)
    max_repetition = false                    # switched off
    must_not_include = { any = ["### 指示"] }  # any rule type may be global
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, cast

from harness.codec import canonical, decode, digest
from harness.errors import InputError, NothingToJudgeError, UnknownNameError, UsageError
from harness.locale import clauses, tr, trn
from harness.notices import Notice
from harness.types import UNIT, Generation, JudgeSpec, Sample, Scale, Verdict
from harness.unscored import Unscored
from judges.checks import TYPES, Check, NonEmpty, ReadAnswer, UndecidedError

VERSION = 1  # to be raised whenever any check or measure may come out differently: it is part of the fingerprint

# All 100 references of ELYZA-tasks-100 pass: their least Japanese ratio is 0.66, their largest repetition 0.33. Of
# 6,000 real answers to them by 60 models, 9 % fall short of the first and 2 % exceed the second.
GLOBAL_CHECKS: Mapping[str, Any] = {"non_empty": {}, "japanese_ratio": 0.5, "max_repetition": 0.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesJudge:
    """Scores an answer by the share of its checks that it passes.

    >>> judge = open_rules(JudgeSpec(text="rules", name="rules"))
    >>> sample = Sample(id="1", inputs={"input": "果物を二つ"}, rules=({"type": "exactly_n_items", "n": 2},))
    >>> verdict = judge.judge(sample, Generation(request_key="k", text="りんご、みかん、もも"))
    >>> verdict.score, verdict.rationale
    (0.75, '1 of 4 checks failed. exactly_n_items: 3 items, wanted 2')
    """

    kind: ClassVar[str] = "checks"
    """What the scores are, for the report: constraints checked by a program, not a judgement of quality."""

    name: str
    global_checks: tuple[Check, ...]

    @property
    def scale(self) -> Scale:
        """From 0, no check passed, to 1, all passed."""
        return UNIT

    @property
    def fingerprint(self) -> str:
        """The version of the checks and the global ones; a sample's own rules are in its judgement's key already."""
        checks = {check.type: check for check in self.global_checks}
        return f"rules/{VERSION}/{digest(checks)[:16]}"

    def judge(self, sample: Sample, generation: Generation) -> Verdict:
        """Return the share of checks passed, each failed one named with what was found.

        An empty answer scores 0 (unless ``non_empty`` is off); without any check, or with a pattern that takes too long
        on this answer, the verdict is unscored; with a rule that cannot be read it is an error.
        """
        answer = ReadAnswer(generation.text or "")
        try:
            checks = self._checks(sample, tr("sample {id!r}", id=sample.id))
            failures = _failures(checks, answer)
        except InputError as error:
            return Verdict.failed(Unscored("bad_rule", _storable(error.message)))
        except UndecidedError as error:
            return Verdict.unscored(Unscored("check_undecided", _storable(error.args[0])))
        if not checks:
            return Verdict.unscored(Unscored("no_checks", tr("no check applies")))
        if not failures:
            return Verdict.scored(1, rationale=trn("{n} check passed", "{n} checks passed", len(checks)))
        named = clauses(tr("{kind}: {found}", kind=kind, found=found) for kind, found in failures)
        if failures[0][0] == NonEmpty.type:
            return Verdict.scored(0, rationale=named)
        score = (len(checks) - len(failures)) / len(checks)
        failed = trn(
            "{failed} of {n} check failed. {named}",
            "{failed} of {n} checks failed. {named}",
            len(checks),
            failed=len(failures),
            named=named,
        )
        return Verdict.scored(score, rationale=_storable(failed))

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> list[Notice]:  # noqa: ARG002 - the protocol's signature
        """Return a notice if samples have no rules of their own.

        Raises:
            InputError: a rule cannot be used; names the task, the sample, the rule and what is wrong with it.
            HarnessError: no sample has anything to check.
        """
        for sample in samples:
            read_rules(sample.rules, where=tr("task {task!r}, sample {id!r}", task=task, id=sample.id))
        bare = sum(not sample.rules for sample in samples)
        if not bare:
            return []
        names = ", ".join(check.type for check in self.global_checks)
        if not names and bare == len(samples):
            raise NothingToJudgeError(
                tr(
                    "Judge {name!r} has nothing to check: task {task!r} has no rules and every global check is off.",
                    name=self.name,
                    task=task,
                ),
                hint=tr("Give the task a 'rules' column, or switch a check on under [judges.rules] in harness.toml."),
            )
        which = tr("{n} of {total} samples", n=bare, total=len(samples)) if bare < len(samples) else tr("the samples")
        return [
            Notice(
                "no_rules",
                tr(
                    "{name}: {which} of task {task!r} have no rules of their own; checked there: {value}.",
                    name=self.name,
                    which=which,
                    task=task,
                    value=names or tr("nothing"),
                ),
            )
        ]

    def _checks(self, sample: Sample, where: str) -> list[Check]:
        own = read_rules(sample.rules, where=where)
        return [*(check for check in self.global_checks if check.type not in own.types), *own.checks]


def open_rules(spec: JudgeSpec) -> RulesJudge:
    """Return the judge with the global checks of ``spec.settings``, its ``[judges.rules]`` table.

    A key is a rule type. Its value is a table of parameters, the value of the type's one required parameter, true (all
    parameters at their defaults) or false (no such check).

    Raises:
        UsageError: an option was given.
        InputError: a setting is no rule type, or its value does not fit.
    """
    if spec.option is not None:
        raise UsageError(
            tr("Judge 'rules' takes no option, got {option!r}.", option=spec.option),
            hint=tr("Write --judge rules; its global checks are set under [judges.rules] in harness.toml."),
        )
    checks = [_global_check(name, value) for name, value in {**GLOBAL_CHECKS, **spec.settings}.items()]
    return RulesJudge(name=spec.text, global_checks=tuple(check for check in checks if check))


def _global_check(name: str, value: object) -> Check | None:
    where = f"[judges.rules] {name}"
    kind = kind_of(name, where="[judges.rules]")
    if value is False:
        return None
    if value is True:
        value = GLOBAL_CHECKS.get(name, {})
    if isinstance(value, Mapping):
        return build(kind, value, where=where)
    main = main_parameter(kind)
    if main is None:
        raise InputError(
            tr("{where}: a table of parameters, true or false is wanted, not {value!r}", where=where, value=value)
        )
    return build(kind, {main: value}, where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules of one sample: its checks, and the types that they decide instead of the global checks."""

    checks: tuple[Check, ...]
    types: frozenset[str]


def read_rules(rules: Sequence[Mapping[str, Any]], *, where: str) -> RuleSet:
    """Return the checks that a sample's rules ask for; equal rules are read once.

    ``{"type": …, "off": true}`` is no check: it switches the global check of that type off for this sample.

    >>> read_rules([{"type": "length", "max": 10}, {"type": "japanese_ratio", "off": True}], where="task 't'").checks
    (Length(min=None, max=10),)

    Raises:
        InputError: an unknown type, an unknown, missing or wrong parameter; the message begins with ``where``.
    """
    try:
        return _read(canonical(rules))
    except InputError as error:
        raise InputError(tr("{where}, {message}", where=where, message=error.message), hint=error.hint) from None


@lru_cache(maxsize=16_384)
def _read(rules: str) -> RuleSet:
    checks, types = [], set()
    for number, rule in enumerate(json.loads(rules), start=1):
        if not isinstance(rule, dict):
            raise InputError(
                tr("rule {number}: a rule is an object with a type, not {rule!r}", number=number, rule=rule)
            )
        parameters = {name: _whole(value) for name, value in rule.items() if name != "type" and value is not None}
        where = tr("rule {number}", number=number)
        if "type" in rule:
            where = tr("rule {number} ({type})", number=number, type=rule["type"])
        kind = kind_of(rule.get("type"), where=where)
        types.add(kind.type)
        if "off" not in parameters:
            checks.append(build(kind, parameters, where=where))
        elif parameters != {"off": True}:
            raise InputError(tr("{where}: off is true and stands alone, or is left out", where=where))
    return RuleSet(checks=tuple(checks), types=frozenset(types))


def _whole(value: object) -> object:
    """Return a whole number as an int: data frames turn integers into floats where a column has gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kind_of(name: object, *, where: str) -> type[Check]:
    """Return the check class of a rule type.

    Raises:
        InputError: there is no such type; the hint names the nearest one.
    """
    if isinstance(name, str) and name in TYPES:
        return TYPES[name]
    hint = UnknownNameError(tr("rule type"), str(name or ""), TYPES).hint
    said = tr("a rule needs a type") if name is None else tr("no rule type named {name!r}", name=name)
    raise InputError(tr("{where}: {message}", where=where, message=said), hint=hint)


def build(kind: type[Check], parameters: Mapping[str, Any], *, where: str) -> Check:
    """Return a check with its parameters validated.

    >>> build(TYPES["exactly_n_items"], {"n": 5}, where="rule 1")
    ExactlyNItems(n=5)

    Raises:
        InputError: an unknown or missing parameter, or one of the wrong type or out of range; begins with ``where``.
    """
    check = decode(kind, canonical(parameters), where=where)
    if problem := check.problem():
        raise InputError(tr("{where}: {message}", where=where, message=problem))
    return check


def main_parameter(kind: type[Check]) -> str | None:
    """Return the one parameter without which a check makes no sense, or None if there is no such or more than one.

    >>> main_parameter(TYPES["exactly_n_items"]), main_parameter(TYPES["length"])
    ('n', None)
    """
    required = [item.name for item in fields(cast("Any", kind)) if item.default is MISSING]
    return required[0] if len(required) == 1 else None


def _failures(checks: Sequence[Check], answer: ReadAnswer) -> list[tuple[str, str]]:
    """Return the type of each failed check with what was found; an empty answer fails one for all."""
    for check in checks:
        if isinstance(check, NonEmpty) and (found := check.failure(answer)):
            return [(check.type, found)]
    return [(check.type, found) for check in checks if (found := check.failure(answer))]


def _storable(text: str) -> str:
    """Return ``text`` with lone surrogates escaped: rules quoted in messages may hold them, UTF-8 cannot."""
    storable = text.encode("utf-8", "backslashreplace").decode()
    return text if storable == text else storable  # a message, as long as it can be one
