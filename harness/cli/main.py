"""The ``harness`` command: finds the subcommand, runs it, and turns every failure into a sentence and an exit code.

Exit codes: 0 ok, 1 expected failure, 2 usage, 3 finished with more unscored items than allowed, 130 interrupted.
"""

import atexit
import errno
import gc
import os
import signal
import sys
import threading
import traceback
from functools import partial
from typing import NoReturn

import click

from harness.cli.door import opened
from harness.cli.help import complaint, localized
from harness.cli.options import chosen_language, language_option
from harness.cli.say import said, say, speak
from harness.cli.terminal import PrintableStream
from harness.cli.typed import plain_option, typed_command
from harness.cli.waiting import Waiting
from harness.errors import HarnessError, UnknownNameError
from harness.locale import tr
from harness.locale.system import system_said
from harness.locale.telling import TELLER

# Name, where its command stands, and its line in --help: nothing is imported until it is called.
COMMANDS = {
    "eval": ("harness.cli.eval:evaluate", "Evaluate models on tasks and write a leaderboard."),
    "try": ("harness.cli.try_:try_", "Try an adapter: is it better than its base?"),
    "judge": ("harness.cli.judge:judge", "Let more judges score the stored answers of a run."),
    "rate": ("harness.cli.rate:rate", "Let people rate answers blindly, and take their ratings in."),
    "audit": ("harness.cli.audit:audit", "Show how far each judge of a run can be trusted."),
    "compare": ("harness.cli.compare:compare", "Compare the models of a run with intervals and p-values."),
    "history": ("harness.cli.history:history", "Show every candidate that was tried on a task set."),
    "ab": ("harness.cli.ab:ab", "Compare prompts on the same models and tasks."),
    "prompt": ("harness.cli.prompt:prompt", "Show a prompt as a model sees it, or check a template."),
    "train": ("harness.cli.train:train", "Train an adapter (4-bit QLoRA) that goes straight into an evaluation."),
    "pairs": ("harness.cli.pairs:pairs", "Make preference pairs, or best answers, of a run over training prompts."),
    "merge": ("harness.cli.merge:merge", "Fold an adapter into its base: one model that any program loads."),
    "card": ("harness.cli.card:card", "Write the model card of an adapter, with its scores, and push it to the Hub."),
    "report": ("harness.cli.report:report", "Write the report of one or several runs."),
    "export": (
        "harness.cli.export:export",
        "Write every answer and score of a run as a table, or all of it in one file.",
    ),
    "rerun": ("harness.cli.rerun:rerun", "Make a run once more, and say what is not as it was."),
    "show": ("harness.cli.show:show", "Print one task of a run with its answers, scores and reasons."),
    "submit": ("harness.cli.submit:submit", "Write the competition's answer file, or check one."),
    "ls": ("harness.cli.ls:ls", "List models, judges, tasks, prompts, recipes or runs."),
    "store": ("harness.cli.store:store_group", "Copy a store of answers and verdicts, or say what it holds."),
    "doctor": ("harness.cli.doctor:doctor", "Say what is installed and what is ready to use."),
}
_WIDTH = 100
_INTERRUPTED = 130
_HELP = tr("The command lists what it takes with --help.")
_MAKE_ROOM = tr("Make room, and run the same command again: what is finished is kept.")
_ANOTHER_PLACE = tr(
    "Check the place and who may write there, or choose another (--output, --store, harness.toml: runs)."
)
_OUTSIDE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM}  # no defect of ours

# Python ends by looking for cycles among all objects; half a million come with torch, and took seconds after the last
# line was on the screen. The system takes the memory back without it.
atexit.register(gc.freeze)

# A board of 60 models has half a million objects, few of them in a cycle, and a fifth of its time went into looking
# through them again and again. What is young is still looked through as often.
_OLD_AS_OFTEN = 1000


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that ``--help`` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = opened(COMMANDS[cmd_name][0])
        return localized(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise UnknownNameError(tr("command"), args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        del ctx
        with formatter.section(said(tr("Commands"))):
            formatter.write_dl([(name, said(tr(line))) for name, (_, line) in COMMANDS.items()])


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    version = opened("importlib.metadata:version")  # costs a fifth of the start-up that --help is allowed
    say(tr("ja-harness {version}", version=version("ja-harness")))
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"max_content_width": _WIDTH, "help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
@language_option
def cli() -> None:
    """Is my adapter really better? Evaluate Japanese LLM fine-tunes with honest statistics."""


def main() -> NoReturn:
    """Run the command line and exit."""
    gc.set_threshold(*gc.get_threshold()[:2], _OLD_AS_OFTEN)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as `harness.cli` left it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _ready_streams()
    arguments = [plain_option(argument) for argument in sys.argv[1:]]
    speak(chosen_language(arguments))
    TELLER.say, TELLER.during = partial(say, err=True), Waiting
    try:
        result = localized(cli).main(arguments, prog_name="harness", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except SystemExit as ended:
        if ended.code != 1:  # with which click ends where a pipe was closed
            raise
        code = _report(BrokenPipeError(), debug=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort: a sentence, not a traceback
        code = _report(error, debug="--debug" in arguments)
    if code == _INTERRUPTED:
        _leave_threads()
    sys.exit(code)


def _ready_streams() -> None:
    """Make sure that writing never fails for what is written, or because a stream was closed beforehand."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an answer may hold what the terminal cannot show
        if not isinstance(getattr(sys, name), PrintableStream):
            setattr(sys, name, PrintableStream(getattr(sys, name)))  # or what it should not obey


def _report(error: BaseException, *, debug: bool) -> int:
    """Tell the user what went wrong, and return the exit code."""
    if isinstance(error, KeyboardInterrupt | click.exceptions.Abort):
        say(
            tr(
                "\nInterrupted. Everything finished is stored; the same command continues:\n  {names}",
                names=typed_command(),
            ),
            err=True,
        )
        return _INTERRUPTED
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that closing stdout stays quiet
        return 0
    if isinstance(error, click.ClickException):
        (click.UsageError(complaint(error), error.ctx) if isinstance(error, click.UsageError) else error).show()
        if isinstance(error, click.UsageError) and error.ctx is None:
            say(tr("Hint: {hint}", hint=_HELP), err=True)  # what click says itself where it knows the command
        return error.exit_code
    if debug:
        traceback.print_exception(error)
    if isinstance(error, HarnessError):
        _say(error.message, error.next_step)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in _OUTSIDE:
        where = error.filename or tr("writing the output")
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        _say(
            tr("{reason}: {where}.", reason=system_said(error), where=where), _MAKE_ROOM if is_full else _ANOTHER_PLACE
        )
        return 1
    hint = None if debug else tr("This is a defect. Run the command again with --debug and report what it prints.")
    _say(f"{type(error).__name__}: {error}", hint)
    return 1


def _say(message: str, hint: str | None) -> None:
    say(tr("Error: {message}", message=message), err=True)
    if hint:
        say(tr("Hint: {hint}", hint=hint), err=True)


def _leave_threads() -> None:
    """End at once if a judge call is still waiting for a server: what was finished is stored already."""
    if threading.active_count() > 1:  # even daemon threads are waited for if a pool started them
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_INTERRUPTED)
