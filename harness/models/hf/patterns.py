"""Which modules an adapter's configuration means, found out with limits.

peft matches strangers' regular expressions against every module of the model, with an engine that some expressions keep
busy for years. Here they are matched once, under a time limit, and peft is given plain names.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import regex

from harness.errors import AdapterMismatchError, HarnessError
from harness.locale import tr

_SECONDS = 2.0  # for all patterns of an adapter together; ordinary ones take milliseconds
_LONGEST = 20_000  # characters of one pattern
_MOST_KEYS = 512  # patterns that peft may be left to match itself: what its engine keeps compiled
_PLAIN = regex.compile(r"[\w.\-]+")
_ALL_LINEAR = "all-linear"
_PATTERNED = ("rank_pattern", "alpha_pattern", "n_frequency_pattern", "block_size_pattern")
_NAMES = ("modules_to_save", "target_parameters")
_INDEX = r"(?:^|.*?\.){}\.(?P<idx>\d+)\."
_ANY_INDEX = r".*?\.[^.]*\.(?P<idx>\d+)\."


class Matcher:
    """Matches strangers' patterns until their common time is over. ``name`` is the adapter's, for messages."""

    def __init__(self, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def matches(self, pattern: str, text: str, *, whole: bool) -> Any:  # noqa: ANN401 - regex is untyped
        """Return the match of a pattern with a whole text, or with its beginning, or None.

        Raises:
            HarnessError: it is no pattern, or takes too long.
        """
        if len(pattern) > _LONGEST:
            raise self._refused(pattern, tr("is {n:,} characters long", n=len(pattern)))
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._slow(pattern)
        try:
            compiled = regex.compile(pattern)
            return (compiled.fullmatch if whole else compiled.match)(text, timeout=left)
        except TimeoutError as error:
            raise self._slow(pattern) from error
        except (regex.error, RecursionError, MemoryError, OverflowError) as error:
            raise self._refused(pattern, tr("is no regular expression: {error}", error=error)) from error

    def failure(self, what: str) -> HarnessError:
        """Return the error for something in the configuration."""
        return AdapterMismatchError(
            tr("{name}: {what}.", name=self._name, what=what), hint=tr("Look into its adapter_config.json.")
        )

    def _slow(self, pattern: str) -> HarnessError:
        return self._refused(pattern, tr("takes more than {seconds:g} s to match", seconds=self._seconds))

    def _refused(self, pattern: str, why: str) -> HarnessError:
        return AdapterMismatchError(
            tr(
                "{name}: the pattern {pattern!r} in adapter_config.json {why}.",
                name=self._name,
                pattern=pattern[:60],
                why=why,
            ),
            hint=tr("Write the modules' names instead: they are in the keys of adapter_model.safetensors."),
        )


def resolved(
    config: Mapping[str, Any], modules: Sequence[str], name: str, *, seconds: float = _SECONDS
) -> dict[str, Any]:
    """Return an adapter's configuration with names of modules wherever it had patterns.

    Args:
        config: What adapter_config.json holds.
        modules: The names of all modules of the base.
        name: The adapter's, for messages.
        seconds: For all patterns together.

    Raises:
        HarnessError: a pattern takes too long or is none, or a list of names holds something else.
    """
    matcher = Matcher(name, seconds)
    found = dict(config)
    for field in _NAMES:
        _check_names(found.get(field), field, name)
    if isinstance(found.get("trainable_token_indices"), Mapping):
        _check_names(list(found["trainable_token_indices"]), "trainable_token_indices", name)
    for field in ("exclude_modules", "feedforward_modules"):
        if isinstance(found.get(field), str) and found[field]:
            found[field] = _whole_matches(found[field], modules, matcher)
    for field in _PATTERNED:
        if isinstance(found.get(field), Mapping):
            found[field] = _values(found[field], modules, matcher, is_plain=config.get("peft_type") == "ADALORA")
    return found | _targets(found, modules, matcher)


def _targets(config: Mapping[str, Any], modules: Sequence[str], matcher: Matcher) -> dict[str, Any]:
    """Return the entries that say which modules are adapted, without a pattern among them."""
    targets = config.get("target_modules")
    # Without layers_to_transform, layers_pattern means nothing, and peft refuses it.
    found = {"target_modules": targets} | ({"layers_pattern": None} if "layers_pattern" in config else {})
    if isinstance(targets, str) and targets.lower() != _ALL_LINEAR:
        found["target_modules"] = _whole_matches(targets, modules, matcher)
    elif isinstance(targets, list) and config.get("layers_to_transform") not in (None, []):
        found |= {"target_modules": list(_in_layers(config, modules, matcher)), "layers_to_transform": None}
    if targets and not found["target_modules"]:
        raise matcher.failure(tr("target_modules {targets!r} match no module of the base", targets=str(targets)[:60]))
    return found


def _check_names(names: object, field: str, name: str) -> None:
    """Raise unless it is a list of plain names: peft would read them as patterns."""
    if names in (None, [], {}):
        return
    if not isinstance(names, list) or not all(isinstance(entry, str) and _PLAIN.fullmatch(entry) for entry in names):
        raise AdapterMismatchError(
            tr(
                "{name}: {field} in adapter_config.json is no list of module names: {names!r}.",
                name=name,
                field=field,
                names=str(names)[:60],
            )
        )


def _whole_matches(pattern: str, modules: Sequence[str], matcher: Matcher) -> list[str]:
    return [module for module in modules if module and matcher.matches(pattern, module, whole=True)]


def _in_layers(config: Mapping[str, Any], modules: Sequence[str], matcher: Matcher) -> Iterator[str]:
    """Yield the modules that a list of names means within the layers that are to be transformed."""
    wanted = config["layers_to_transform"]
    layers = {wanted} if isinstance(wanted, int) else set(wanted)
    patterns = config.get("layers_pattern") or []
    patterns = [patterns] if isinstance(patterns, str) else patterns
    targets = [str(target) for target in config["target_modules"]]
    for module in modules:
        if module in targets:
            yield module
        elif any(module.endswith(f".{target}") for target in targets):
            forms = [_INDEX.format(pattern) for pattern in patterns] or [_ANY_INDEX]
            matches = (matcher.matches(form, module, whole=False) for form in forms)
            match = next((match for match in matches if match), None)
            if match and int(match["idx"]) in layers:
                yield module


def _values(
    values: Mapping[str, Any], modules: Sequence[str], matcher: Matcher, *, is_plain: bool
) -> Mapping[str, Any]:
    """Return a value for each module that one of the keys, as a pattern, means; the first one counts.

    Few plain names are left as they are. ``is_plain``: the keys are names of parameters and are looked up, not matched.
    """
    if is_plain or (len(values) <= _MOST_KEYS and all(_PLAIN.fullmatch(key) for key in values)):
        return values
    plain = {key: value for key, value in values.items() if _PLAIN.fullmatch(key)}
    order = {key: place for place, key in enumerate(values)}
    patterns = [key for key in values if key not in plain]
    found = {}
    for module in modules:
        parts = module.split(".")
        endings = (".".join(parts[start:]) for start in range(len(parts)))
        keys = [key for key in endings if key in plain]
        keys += [key for key in patterns if matcher.matches(rf"(?:.*\.)?(?:{key})$", module, whole=False)]
        if module and keys:
            found[module] = values[min(keys, key=order.__getitem__)]
    return found
