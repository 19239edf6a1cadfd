"""The environment of chat templates, as transformers has it, with the bounds of every other template here.

Equal to ``transformers.utils.chat_template_utils`` but for what would differ from day to day or from run to run: the
clock is given, and nothing is random. Two more things are refused: what is too large, and printing an object's address.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.utils import Cycler, Joiner, Namespace

from harness.locale import tr
from harness.sandbox.environment import MAX_TEXT, Bounds, bounded, bounded_range
from harness.sandbox.program import RefusedError, TemplateFailure, TemplateSource, explained, filled

_REASONING_FIELDS = ("reasoning_content", "thinking", "reasoning")  # the first is what templates read


class ChatEnvironment(Bounds):
    """A bounded environment with everything that chat templates of the Hub are written for."""

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
        self.filters["tojson"] = bounded("tojson", _tojson)
        self.now = dt.datetime.fromtimestamp(0, dt.UTC)
        self.globals = {
            "range": bounded_range,
            "dict": _TemplateDict(),
            "namespace": _TemplateNamespace,
            "cycler": _Cycler,
            "joiner": _Joiner,
            "raise_exception": _raise_exception,
            "strftime_now": self._strftime_now,
        }

    def _strftime_now(self, form: str) -> str:
        return self.now.strftime(form)


class ChatProgram:
    """A compiled chat template.

    >>> chat = ChatProgram("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")
    >>> chat.render({"messages": [{"role": "user", "content": "はい"}]}, dt.datetime(2026, 1, 1))
    '<user>はい'
    """

    def __init__(self, template: str) -> None:
        """Compile ``template``.

        Raises:
            TemplateFailure: it is no template, or asks for too much.
        """
        self._environment = ChatEnvironment()
        self._template = template
        with explained(TemplateSource(text=template), None, checks_order=False):
            self._compiled = self._environment.from_string(template)

    def render(self, variables: Mapping[str, Any], now: dt.datetime) -> str:
        """Return the text of the messages and whatever else ``variables`` hold, written at the time ``now``.

        Raises:
            TemplateFailure: whatever goes wrong in it; of kind "refused" if the template itself refuses the messages.
        """
        self._environment.now = now
        messages = [_with_reasoning(message) for message in variables.get("messages", ())]
        filling = {**variables, "messages": messages}
        try:
            [text] = filled([self._compiled], filling, (self._template,))
        except RefusedError as error:
            raise TemplateFailure("refused", str(error.message)) from error
        if len(text) > MAX_TEXT:
            raise TemplateFailure("limit", tr("a prompt of more than {most:,} characters", most=MAX_TEXT))
        return text


def _with_reasoning(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message whose reasoning, whatever it is called, stands under the names that templates read."""
    given = {key: value for key, value in message.items() if value is not None}
    reasoning = next((given[key] for key in _REASONING_FIELDS if key in given), None)
    return given if reasoning is None else {"thinking": reasoning, **given, "reasoning_content": reasoning}


class _Generation(Extension):
    """``{% generation %}`` marks what the model writes; for the text it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    @staticmethod
    def _marked(caller: Macro) -> str:
        return str(caller())


class _TemplateDict:
    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:  # noqa: ANN401 - as dict
        return dict(*args, **kwargs)

    def __repr__(self) -> str:
        return "<dict>"

    def fromkeys(self, *args: Any) -> dict[Any, Any]:  # noqa: ANN401 - as dict.fromkeys
        return dict.fromkeys(*args)


class _TemplateNamespace(Namespace):
    """A namespace without underscored names, through which Python's internals could be reached."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - `namespace(self=...)` is allowed
        self, *rest = args
        values = dict(*rest, **kwargs)
        for name in values:
            _check_name(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - any value
        _check_name(name)
        super().__setitem__(name, value)


class _Cycler(Cycler):
    def __repr__(self) -> str:
        return "<cycler>"


class _Joiner(Joiner):
    def __repr__(self) -> str:
        return "<joiner>"


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace cannot hold {name!r}: no name may begin with an underscore")


def _raise_exception(message: object) -> None:
    raise RefusedError(str(message))


def _tojson(
    x: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: Sequence[str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        x,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=None if separators is None else (separators[0], separators[1]),
        sort_keys=sort_keys,
    )
