"""The command ``noisy-student``: dispatch a verb, print its errors, return an exit code.

The table of verbs is text, and a verb's module is imported only when that verb is called, so that ``--help`` is fast.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from noisy_student import __version__
from noisy_student.cli import INTERRUPTED, PAUSED, USER_ERROR
from noisy_student.cli.options import flattened
from noisy_student.errors import DamagedArtifact, Interrupted, Paused, UserError, nearest
from noisy_student.redaction import redact
from noisy_student.report.clean import visible

VERBS = {
    "run": ("run:command", "Run a study, or go on with it, and show what it found."),
    "studies": ("show:studies", "List the packaged studies."),
    "show": ("show:command", "Show a study with all its settings resolved."),
    "plan": ("plan:command", "Show the steps of a run, their time, and the minimum detectable effects."),
    "preflight": ("run:preflight", "Check model, data and machine before a long study."),
    "init": ("init:command", "Write a study file for your own questions."),
    "report": ("report:command", "Write the page of a run again."),
    "log": ("log:command", "List all runs with their findings, or (--spend) their costs."),
    "du": ("gc:du", "Show how much disk space the store uses."),
    "gc": ("gc:command", "List (with --delete: remove) cached results that no run uses."),
    "why": ("why:command", "Show which field makes a result differ from stored ones."),
    "compare": ("compare:command", "Compare two results: counts, grades files, or a table of published numbers."),
    "power": ("power:command", "Show which differences a number of test questions can detect."),
    "split": ("single_stage:split", "Divide a source into labeled, dev, unlabeled and test questions."),
    "sample": ("single_stage:sample", "Sample K answers of a model to each question."),
    "extract": ("vote:extract", "Extract the answer from each text."),
    "vote": ("vote:command", "Take a majority vote over the answers to each question."),
    "label": ("label:command", "Label questions by majority vote over their samples."),
    "train": ("single_stage:train", "Fine-tune a student on solved questions."),
    "evaluate": ("single_stage:evaluate", "Grade a model's answers to questions with known answers."),
    "doctor": ("doctor:command", "Check this machine and list what will work here."),
}
"""Verb → (module below ``noisy_student.cli``:function, one line of help)."""

QUIET = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TQDM_DISABLE": "1",
    "PYTHONWARNINGS": "ignore",
}
"""Environment variables set unless the user has set them; libraries that verbs and workers import later read them.

Spinning OpenMP threads slow a step from 0.17 s to 4 s and more beside one busy process (design section 6).
"""

LONGEST_PART = 1000
"""Characters printed of one part of a message."""

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class Verbs(TyperGroup):
    """A command group that lists its verbs without importing their modules."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return the verb; raises UserError that names the nearest one for an unknown name."""
        if cmd_name.startswith("-"):
            return None
        if cmd_name not in VERBS:
            raise UserError(f'There is no command "{cmd_name}".', do=nearest(cmd_name, VERBS), code="unknown-command")
        module, _, function = VERBS[cmd_name][0].partition(":")
        verb = getattr(importlib.import_module(f"noisy_student.cli.{module}"), function)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name=cmd_name, context_settings=_HELP)(flattened(verb))
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table of verbs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(cls=Verbs, add_completion=False, rich_markup_mode=None, no_args_is_help=True, context_settings=_HELP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; with ``--json`` an error is a JSON object on standard output."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Files hold UTF-8 whatever the locale. Half of a surrogate pair, as in a path, becomes an escape.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    try:
        _require_text(words)
        typer.main.get_command(app).main(arguments, prog_name="noisy-student")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else USER_ERROR if end.code else 0
        if code == 2:
            # typer has printed its message and ends with 2; here every fault that the user can fix ends with 1.
            if as_json:
                _print_json(UserError("The command line is not valid.", do="See standard error.", code="usage"))
            return USER_ERROR
        if code != INTERRUPTED:
            return code
        # typer turns KeyboardInterrupt into this exit code, without a message.
        told, code = _explained(Interrupted())
    except Exception as error:
        told, code = _explained(error)
    else:
        return 0
    for text in (told.what, told.why, told.do, f"[{told.code}]"):
        if text:
            print(_printable(text), file=sys.stderr)
    if as_json:
        _print_json(told)
    return code


def _require_text(words: Sequence[str]) -> None:
    """Raise UserError for an argument with bytes that are no text: names from it could not be stored or shown."""
    for word in words:
        if not word.isascii() and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise UserError(
                f'The argument "{word}" has bytes that are not {sys.getfilesystemencoding().upper()}.',
                why="Paths and names are stored and printed as text.",
                do="Rename that file or folder; where its name is UTF-8, set PYTHONUTF8=1.",
                code="argument-not-text",
            )


AGAIN = "Run the same command again."
KEPT = "Finished work is kept."
BUG = UserError("This is a bug in noisy-student.", why=KEPT, do="Report it with the lines above.", code="bug")


NO_MEMORY = UserError(
    "There is too little memory.",
    why=KEPT,
    do="Free some memory, or raise its limit (ulimit -v).",
    code="out-of-memory",
)
_NO_MEMORY = ("cannot allocate memory", "failed to map segment")
"""Words by which the system refuses memory to a library that is being loaded."""


def _lacks_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY)


def _explained(error: Exception) -> tuple[UserError, int]:
    """Return the error as a message for the user, and the exit code; the traceback of a bug is printed."""
    match error:
        case UserError():
            return error, USER_ERROR
        case DamagedArtifact():
            return UserError(str(error), do=AGAIN, code="damaged-artifact"), USER_ERROR
        case Interrupted():
            return UserError("Interrupted.", why=KEPT, do=AGAIN, code="interrupted"), INTERRUPTED
        case Paused():
            return UserError("Paused at the deadline.", why=KEPT, do=AGAIN, code="paused"), PAUSED
        case MemoryError() | ImportError() | OSError() if _lacks_memory(error):
            return NO_MEMORY, USER_ERROR
        case UnicodeEncodeError():
            what = f"A text holds half of a surrogate pair: {error.object[max(0, error.start - 40) : error.end]!r}."
            why = "Such a text cannot be written as UTF-8."
            return UserError(what, why=why, do="Correct that text or path.", code="text-not-utf8"), USER_ERROR
        case OSError() if error.filename is not None or error.errno in _DISK:
            # A file of the user cannot be read or written; an error without a file name is the disk's or a bug.
            what = f"{error.filename or 'The disk'}: {error.strerror}."
            return UserError(what, why=KEPT, do=f"Fix this. {AGAIN}", code="file-error"), USER_ERROR
        case _:
            print(visible(redact("".join(traceback.format_exception(error)))), file=sys.stderr, end="")
            return BUG, USER_ERROR


def _print_json(error: UserError) -> None:
    texts = {name: _printable(getattr(error, name)) for name in ("code", "what", "why", "do")}
    print(json.dumps({"error": texts}, indent=1))


def _printable(text: str) -> str:
    """Return the text without secrets, control characters, and the middle if it quotes too much of a file."""
    text, half = redact(text), LONGEST_PART // 2
    return visible(text if len(text) <= LONGEST_PART else f"{text[:half]} … {text[-half:]}")


def _version(asked: bool) -> None:
    if asked:
        print(f"noisy-student {__version__}")
        raise typer.Exit


@app.callback()
def _noisy_student(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Measure whether the unlabeled questions you have make your reasoning model better."""
