"""The judge ``FILE.py[:NAME]``: a function or a class in a file of one's own, without packaging.

A function takes the sample and the generation and returns a number, true or false, None (no score), a `Verdict`, or a
mapping of its metrics to such values. A class has a method ``judge`` that does the same; its constructor may take the
`JudgeSpec`. ``kind``, ``scale`` and what else `JudgeInfo` holds is declared by the function or class, or by the file::

    kind = "checks"

    def judge(sample, generation) -> bool:
        return "。" in generation.text

The key of its verdicts holds the hash of the file and of the modules beside it that it imports, not where it lies.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.codec import digest
from harness.errors import HarnessError, InputError, UnknownNameError, UsageError
from harness.locale import tr
from harness.plugins.code import code_hash
from harness.plugins.info import check, scale_of, scales_of
from harness.plugins.metrics import as_verdict
from harness.protocols import ChecksSamples, Closes, JudgeInfo
from harness.tables.files import where_to_look
from harness.types import PASS_FAIL, UNIT, Generation, JudgeSpec, Sample, Verdict
from harness.unscored import Unscored

_VERSION = "python.v1"
_USUAL = ("judge", "metric", "score")
"""The names that are taken where a file has several functions and none bears the file's own name."""

_DECLARED = tuple(
    item.name for item in fields(JudgeInfo) if item.default is not MISSING or item.default_factory is not MISSING
)


class FileJudge:
    """A judge from a file. What goes wrong in it is told with the file and the line, and scores nothing."""

    def __init__(self, info: JudgeInfo, part: object, call: Callable[..., Any], path: Path) -> None:
        self.info = info
        self.name = info.name
        self.scale = info.scale
        self.fingerprint = info.fingerprint
        self._part = part
        self._call = call
        self._path = path

    def judge(self, sample: Sample, generation: Generation) -> Any:  # noqa: ANN401 - a verdict, or what `metrics` take
        """Return the verdict, or the mapping of metrics, on one answer."""
        try:
            given = self._call(sample, generation)
            return given if self.info.metrics and isinstance(given, Mapping) else as_verdict(given)
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's code
            return Verdict.failed(Unscored("judge_crashed", _told(error, self._path)))

    def check_samples(self, task: str, samples: Sequence[Sample], models: Sequence[str]) -> Sequence[str]:
        """Return what a class has to say of the samples; a function says nothing."""
        part = self._part
        return part.check_samples(task, samples, models) if isinstance(part, ChecksSamples) else ()

    def close(self) -> None:
        """End the waits of a class."""
        if isinstance(self._part, Closes):
            self._part.close()


def open_file(spec: JudgeSpec) -> FileJudge:
    """Return the judge in the file of ``spec.option``, ``PATH.py[:NAME]``.

    Raises:
        UsageError: no file is named.
        InputError: the file is missing, cannot be run, or holds no judge of this name; names the line.
    """
    place, name = split_place(spec.option or "")
    path = Path(place).expanduser()
    if not place.endswith(".py"):
        raise UsageError(
            tr("The judge 'python' needs a file."), hint=tr("Write --judge ./my_metric.py, or ./my_metric.py:NAME.")
        )
    module = _run(path)
    made = _named(module, path, name) if name else _only(module, path)
    part = _made(made, spec, path)
    call = part.judge if inspect.isclass(made) else part
    try:
        inspect.signature(call).bind(None, None)
    except TypeError:
        raise InputError(
            tr("{name} does not take two arguments, a sample and a generation.", name=made.__name__),
            path=path,
            line=_line_of(made),
            hint=tr("Write def {name}(sample, generation): …", name=call.__name__),
        ) from None
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        raise InputError(
            tr("{name} is async, and must be a plain function.", name=made.__name__),
            path=path,
            line=_line_of(made),
            hint=tr(
                "Write def {name}(sample, generation): … It is called in threads, in_flight at once.",
                name=call.__name__,
            ),
        )
    judge = FileJudge(_info(spec, module, made, part), part, call, path)
    check(EntryPoint(name=spec.text, value=str(path), group="harness.judges"), "judges", judge)
    return judge


def split_place(text: str) -> tuple[str, str | None]:
    """Return the file and the name after its colon, None if there is none.

    >>> split_place("./my_metric.py:tone"), split_place("C:/me/my_metric.py")
    (('./my_metric.py', 'tone'), ('C:/me/my_metric.py', None))
    """
    place, colon, name = text.rpartition(":")
    return (place, name) if colon and place.endswith(".py") else (text, None)


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(tr("no such file."), path=path, hint=where_to_look(path, wanted=Path.is_file))
    name = f"judge_file_{path.stem}_{digest(str(path.resolve()))[:8]}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:  # it ends in .py, so there is one
        raise InputError(tr("this is no Python file."), path=path)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # where dataclasses and the hash of its code look for it
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)  # last: what it is named like may be beside it
    try:
        found.loader.exec_module(module)
    except HarnessError:
        raise
    except SyntaxError as error:
        raise InputError(
            tr("not valid Python: {error}.", error=error.msg), path=error.filename or path, line=error.lineno
        ) from error
    except (Exception, SystemExit) as error:
        line = _line_in(error, path)
        raise InputError(f"{type(error).__name__}: {error}.", path=path, line=line) from error
    return module


def _own(module: ModuleType) -> dict[str, Any]:
    """Return the functions and the judging classes that a file defines itself, by name."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or (inspect.isclass(thing) and callable(getattr(thing, "judge", None))))
        and thing.__module__ == module.__name__
    }


def _named(module: ModuleType, path: Path, name: str) -> Any:  # noqa: ANN401 - a function or a class
    thing = getattr(module, name, None)
    if inspect.isfunction(thing) or (inspect.isclass(thing) and callable(getattr(thing, "judge", None))):
        return thing
    hint = UnknownNameError("judge", name, _own(module)).hint
    raise InputError(tr("no function or class with a method judge is named {name!r}.", name=name), path=path, hint=hint)


def _only(module: ModuleType, path: Path) -> Any:  # noqa: ANN401 - a function or a class
    """Return the judge of a file that names none: the one that is called like the file, or `judge`, or the only one."""
    own = _own(module)
    for name in (path.stem, *_USUAL):
        if name in own:
            return own[name]
    if len(own) == 1:
        return next(iter(own.values()))
    if not own:
        raise InputError(
            tr("it defines no function and no class with a method judge."),
            path=path,
            hint=tr("Write def judge(sample, generation): return a number, true or false."),
        )
    raise InputError(
        tr("it defines several judges: {names}.", names=", ".join(own)),
        path=path,
        hint=tr("Say which: --judge {path}:{name}", path=path, name=next(iter(own))),
    )


def _made(made: Any, spec: JudgeSpec, path: Path) -> Any:  # noqa: ANN401 - a function or an object of a class
    kind: Any = made
    if not inspect.isclass(made):
        if spec.settings:
            raise UnknownNameError(
                tr("setting of [judges.{name}]", name=path.stem), next(iter(spec.settings)), [],
                hint=tr("A function has no settings; a class gets them in its constructor, as spec.settings."),
            )  # fmt: skip
        return made
    takes_spec = bool(inspect.signature(made).parameters)
    try:
        return kind(spec) if takes_spec else kind()
    except HarnessError:
        raise
    except Exception as error:
        line = _line_in(error, path) or _line_of(made)
        raise InputError(f"{type(error).__name__}: {error}.", path=path, line=line) from error


def _info(spec: JudgeSpec, module: ModuleType, made: Any, part: Any) -> JudgeInfo:  # noqa: ANN401 - a function or an object
    """Return what the function or class declares, else the file; a number is of 0 to 1, a bool true or false."""
    said: dict[str, Any] = {}
    for holder in (module, part):
        found = {name: getattr(holder, name, None) for name in (*_DECLARED, "scale")}
        said |= {name: one for name, one in found.items() if one is not None and not inspect.ismodule(one)}
    metrics = said.pop("metrics", None)
    is_bool = inspect.get_annotations(made if inspect.isfunction(made) else made.judge).get("return") in {bool, "bool"}
    scale = scale_of(said.pop("scale", PASS_FAIL if is_bool else UNIT))
    if said.get("kind", "quality") == "quality":
        said.setdefault("scored_by", "program")
    code = code_hash(type(part), [module.__name__]) or "unread"
    own = getattr(part, "fingerprint", None)
    settings = digest([spec.settings, own])[:8] if spec.settings or own else "none"
    return JudgeInfo(
        name=spec.text,
        scale=scale,
        fingerprint=f"{_VERSION} code={code} of={made.__qualname__} given={settings}",
        metrics=scales_of(metrics, scale) or {},
        **said,
    )


def _told(error: BaseException, path: Path) -> str:
    line = _line_in(error, path)
    return f"{path}{'' if line is None else f':{line}'}: {type(error).__name__}: {error}"


def _line_in(error: BaseException, path: Path) -> int | None:
    """Return the line of a file that an error came through last, None if it never ran it."""
    lines, step = [], error.__traceback__
    while step is not None:
        if Path(step.tb_frame.f_code.co_filename).resolve() == path.resolve():
            lines.append(step.tb_lineno)
        step = step.tb_next
    return lines[-1] if lines else None


def _line_of(made: object) -> int | None:
    try:
        return inspect.getsourcelines(made)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
