"""Stored JSON documents: one bounded reader, and a typed model for each kind.

A document that does not fit its model is an error that names file and field. Commands that read the documents of many
runs leave such a one out, say so in one line, and go on with the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from noisy_student import files, opener
from noisy_student.errors import UserError
from noisy_student.redaction import redact

LARGEST = 64 * 2**20
"""Bytes of a document; the largest that a run writes, the curves of many long trainings, has a few million."""
DEEPEST = 64
"""Levels of nested lists and objects; documents of a run have fewer than ten."""
LARGEST_NUMBER = 1e60
"""Far above every count of operations, and small enough that products of a few numbers stay finite."""
_SHOWN = 60
_HALF = re.compile(r"[\ud800-\udfff]")

Time = Annotated[float, Field(ge=0, le=1e11)]
"""Seconds, or a time.time() up to the year 5138, which every date function takes."""
Count = Annotated[int, Field(ge=0, le=10**24)]


class Document(BaseModel):
    """Base of the models of stored JSON: frozen and strict; unknown keys are ignored, since later versions add some."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")
    largest: ClassVar[int] = LARGEST
    """Bytes of a file of this kind."""
    do: ClassVar[str] = "Restore the file from a copy, or remove it."
    """Advice for a file that does not fit."""


Kind = TypeVar("Kind", bound=Document)


def shape(base: type[Document], needed: Mapping[str, Any] | None = None, /, **optional: Any) -> Any:
    """Return a model of JSON that is compared and not used: ``base`` with ``needed`` fields and ``optional`` ones.

    An optional field may be missing or null.
    """
    fields: dict[str, Any] = {field: (kind, ...) for field, kind in (needed or {}).items()}
    fields |= {field: (kind | None, None) for field, kind in optional.items()}
    return create_model(base.__name__, __base__=base, **fields)


def read(path: Path, kind: type[Kind]) -> Kind:
    """Read a document; raises UserError with file and field if it does not fit, FileNotFoundError if it is missing."""
    return fitted(read_plain(path, kind), kind, place=str(path))


def read_plain(path: Path, kind: type[Document]) -> Any:
    """Read the bounded JSON of a document without comparing it with its model; raises as ``read`` does."""
    try:
        value = files.parse_json(opener.read_text(path, largest=kind.largest), place=str(path))
    except UserError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None
        raise UserError(error.what, why=_WHY, do=kind.do, code=error.code) from error
    if fault := unbounded(value):
        raise UserError(f"{path} holds {fault}.", why=_WHY, do=kind.do, code="document-malformed")
    return value


def fitted(value: Any, kind: type[Kind], *, place: str) -> Kind:
    """Return JSON as its model; raises UserError with the first field that does not fit."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        shown = redact(repr(fault["input"]))
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        found = "is missing" if fault["type"] == "missing" else f"is {shown}: {fault['msg']}"
        raise UserError(
            f'{place}: "{where}" {found}.' if where else f"{place} {found}.",
            why=_WHY,
            do=kind.do,
            code="document-malformed",
        ) from error


def read_each(
    paths: Iterable[Path], kind: type[Kind], left_out: Callable[[UserError], None]
) -> Iterator[tuple[Path, Kind]]:
    """Yield the documents that fit, with their paths; ``left_out`` receives the error of every other one."""
    for path in paths:
        try:
            yield path, read(path, kind)
        except UserError as error:
            left_out(error)
        except FileNotFoundError:
            # Another process removed it since it was listed.
            continue


_WHY = "It was changed after noisy-student wrote it, or another version wrote it."


def unbounded(value: Any) -> str | None:
    """Return what exceeds the bounds of a document: nesting, a number, or a text that is not Unicode; None if nothing.

    >>> unbounded({"a": [1.5, "x"]}), unbounded([10**99])
    (None, 'a number above 1e+60')
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEEPEST:
            return f"more than {DEEPEST} levels of nested lists and objects"
        if isinstance(item, dict):
            waiting += ((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting += ((part, depth + 1) for part in item)
        elif isinstance(item, str):
            if _HALF.search(item):
                return "half of a surrogate pair, which is no text"
        elif isinstance(item, int | float) and abs(item) > LARGEST_NUMBER:
            return f"a number above {LARGEST_NUMBER:g}"
    return None
