"""``show`` and ``studies``: the settings of a study as TOML that can be run again, and the list of studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import tomlkit
import typer

from noisy_student.cli import options
from noisy_student.cli.console import emit, say, table
from noisy_student.cli.overrides import Flags
from noisy_student.cli.runs import differing, value_text
from noisy_student.report.clean import visible
from noisy_student.study.settings.files import names, questions


def command(
    flags: Flags,
    study: options.Study = options.STUDY,
    changed: Annotated[
        bool, typer.Option("--changed", help="Show only what the flags change, beside the value without them.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show a study with all its settings resolved."""
    settings = flags.settings(study).model_dump(mode="json", by_alias=True)
    if changed:
        plain = Flags().settings(study).model_dump(mode="json", by_alias=True)
        found = differing([plain, settings], hidden=())
        if json:
            emit({"schema": 1, "changed": found})
        elif found:
            table(
                ["Setting", "Without flags", "With them"],
                [[name, *map(value_text, each)] for name, each in found.items()],
            )
        else:
            say("The flags change no setting.")
    elif json:
        emit(settings)
    else:
        print(toml_text(settings), end="")


def studies(json: options.Json = False) -> None:
    """List the packaged studies, each with the question it asks; and the scales and protocols they run at."""
    found, more = questions(), {kind: names(kind) for kind in ("scales", "protocols")}
    if json:
        emit({"schema": 1, "studies": [{"name": name, "question": text} for name, text in found.items()], **more})
        return
    table(["Study", "Question"], found.items())
    say(*(f"{kind.capitalize()}: {', '.join(each)} (--{kind[:-1]})" for kind, each in more.items()))


def toml_text(values: Mapping[str, Any]) -> str:
    """Return nested settings as TOML, own fields before tables; a field that is None becomes a comment.

    >>> print(toml_text({"a": 1, "b": {"c": "x", "d": None}}), end="")
    a = 1
    <BLANKLINE>
    [b]
    c = "x"
    # d is not set
    """
    document = tomlkit.document()
    _fill(document, values)
    # tomlkit escapes what TOML requires; characters that would steer a terminal are escaped as well.
    return "".join(map(_escaped, tomlkit.dumps(document)))


def _fill(target: Any, values: Mapping[str, Any]) -> None:
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    for name, value in values.items():
        if value is None:
            target.add(tomlkit.comment(f"{tomlkit.key(name).as_string()} is not set"))
        elif name not in tables:
            target.add(name, _inline(value))
    for name, value in tables.items():
        made = tomlkit.table()
        _fill(made, value)
        target.add(name, made)


def _inline(value: Any) -> Any:
    """Return a value for one line, without the fields that are None."""
    if isinstance(value, Mapping):
        made = tomlkit.inline_table()
        made.update({name: _inline(item) for name, item in value.items() if item is not None})
        return made
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(map(_inline, value))
        return array
    return value


def _escaped(character: str) -> str:
    if visible(character) == character:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
