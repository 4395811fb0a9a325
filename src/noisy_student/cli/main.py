"""The command ``noisy-student``: words in, an exit code out.

The table of verbs stands here as text, and a verb's file is imported only when that verb is called, so that
``--help`` waits for nothing. Exit codes: 0 done, 1 user error, 75 paused, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from noisy_student import __version__
from noisy_student.cli.exit_code import INTERRUPTED, PAUSED, USER_ERROR
from noisy_student.errors import DamagedArtifact, Interrupted, Paused, UserError, nearest
from noisy_student.redaction import redact
from noisy_student.report.clean import visible

VERBS = {
    "run": "Run a study, or go on with it, and show what it found.",
    "studies": "List the studies that come with the package.",
    "show": "Show a study with all its settings resolved.",
    "plan": "Show what a run would compute: the graph, time, what can be seen.",
    "preflight": "Check model, data and machine before a study is paid for.",
    "init": "Write a study file for questions of your own.",
    "report": "Write the page of a run again.",
    "log": "Show the experiment log: every run so far.",
    "du": "Show how much room the store takes.",
    "gc": "List, and remove if asked, what no run stands on.",
    "why": "Say which field makes a result differ from the ones in the store.",
    "compare": "Compare two results: counts, grades files, or a table of published numbers.",
    "power": "Say what a number of questions can show.",
    "split": "Divide a source into labeled, dev, unlabeled and test questions.",
    "sample": "Sample K answers of a model to each question.",
    "extract": "Read the answer in each text.",
    "vote": "Vote over the answers to each question.",
    "label": "Give questions the label that their samples agree on.",
    "train": "Fine-tune a student on solved questions.",
    "evaluate": "Grade a model's answers to questions with answers.",
    "doctor": "Check this machine and say what will work here.",
}
"""Each verb and its line of help; its file has the same name and a function ``command``."""

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
"""Set unless the user has set them; read by libraries that the verbs and their workers import later.

Spinning OpenMP threads slow a step from 0.17 s to 4 s and more beside one busy process (design section 6).
"""

LONGEST_PART = 1000
"""Characters of what, why or do."""

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class Verbs(TyperGroup):
    """The verbs by name; listing them imports none of their files."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, imported now; UserError that names the nearest one if there is none."""
        if cmd_name.startswith("-"):
            return None
        if cmd_name not in VERBS:
            raise UserError(f'There is no command "{cmd_name}".', do=nearest(cmd_name, VERBS))
        verb = importlib.import_module(f"noisy_student.cli.{cmd_name}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name=cmd_name, context_settings=_HELP)(verb.command)
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table of verbs."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(cls=Verbs, add_completion=False, rich_markup_mode=None, no_args_is_help=True, context_settings=_HELP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a sign gets a question mark, not a traceback.
            stream.reconfigure(errors="replace")
    try:
        typer.main.get_command(app).main(arguments, prog_name="noisy-student")
    except SystemExit as end:
        # Wrong usage ends with 2 in typer; here all that the user can mend is 1.
        code = end.code if isinstance(end.code, int) else USER_ERROR if end.code else 0
        return USER_ERROR if code == 2 else code
    except (UserError, DamagedArtifact) as error:
        return _explained(error, USER_ERROR)
    except (Interrupted, KeyboardInterrupt):
        return _explained(UserError("Interrupted.", why="Nothing is lost.", do=AGAIN), INTERRUPTED)
    except Paused:
        return _explained(UserError("Paused at the deadline.", why="Nothing is lost.", do=AGAIN), PAUSED)
    except OSError as error:
        # A file that the user named cannot be read or written; without a name it is the disk, or our own fault.
        if error.filename is None and error.errno not in _DISK:
            return _bug(error)
        told = f"{error.filename or 'The disk'}: {error.strerror}."
        return _explained(UserError(told, why="What was done is kept.", do=f"Mend it. {AGAIN}"), USER_ERROR)
    except Exception as error:
        return _bug(error)
    return 0


AGAIN = "Run the same command again."


def _explained(error: Exception, code: int) -> int:
    """Print what, why and do to standard error, a line each, without secrets and without control characters."""
    parts = (error.what, error.why, error.do) if isinstance(error, UserError) else (str(error), "", AGAIN)
    for part in filter(None, parts):
        print(visible(_shortened(redact(part))), file=sys.stderr)
    if isinstance(error, UserError):
        print(f"[{error.code}]", file=sys.stderr)
    return code


def _shortened(text: str) -> str:
    """The text without its middle if it is too long to read: it quotes a file or a flag."""
    return text if len(text) <= LONGEST_PART else f"{text[: LONGEST_PART // 2]} … {text[-LONGEST_PART // 2 :]}"


def _bug(error: Exception) -> int:
    """Print what escaped: a fault of this program, and the one case in which a traceback is shown."""
    print(visible(redact("".join(traceback.format_exception(error)))), file=sys.stderr, end="")
    told = UserError(
        "This is a bug in noisy-student.", why="What was done is kept.", do="Please report it with the lines above."
    )
    return _explained(told, USER_ERROR)


def _version(asked: bool) -> None:
    if asked:
        print(f"noisy-student {__version__}")
        raise typer.Exit


@app.callback()
def _noisy_student(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and end.")
    ] = False,
) -> None:
    """Find out, with evidence, whether the unlabeled questions you have make your reasoning model better."""
