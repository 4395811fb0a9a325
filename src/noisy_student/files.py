"""Read and write JSON, JSONL and bytes; files are replaced atomically, so no reader sees half of one."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from noisy_student import opener
from noisy_student.errors import UserError


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` atomically: temporary file, fsync, replace."""
    with _replacing(path) as file:
        file.write(data)


def write_json(path: Path, value: Any) -> None:
    """Write one indented JSON document atomically."""
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write one JSON object per line, atomically and streaming; return the number of rows."""
    count = 0
    with _replacing(path) as file:
        for row in rows:
            count += 1
            text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            file.write(f"{text}\n".encode())
    return count


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Provide a temporary file that replaces ``path`` at the end, and is removed after an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Read one strict JSON document of a regular file; raises OSError, and UserError with the place of a fault."""
    with opener.open_regular(path) as file:
        return parse_json(opener.text_of(file, str(path)), place=str(path))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file; raises UserError with file, line and column of a fault."""
    return (row for row, _ in placed_rows(path))


def placed_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object of a JSONL file with its place for messages, ``file:line``."""
    with opener.opened(path) as found:
        yield from rows_of(enumerate(found.lines(), start=1), found.name)


def rows_of(lines: Iterable[tuple[int, str]], name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the object of each numbered line with its place; empty lines are skipped."""
    for number, line in lines:
        if not line.strip():
            continue
        place, do = f"{name}:{number}", _FIX if line.lstrip().startswith("{") else _NO_OBJECT
        yield require_object(parse_json(line.rstrip("\r\n"), place=name, line=number, do=do), place), place


def require_object(value: Any, place: str) -> dict[str, Any]:
    """Return a row that is a JSON object; raises UserError for any other value."""
    if not isinstance(value, dict):
        raise UserError(
            f"{place} is {_NOUNS.get(type(value), 'a number')}, not an object.",
            why='A row is one object with named columns, such as {"question": "...", "answer": "..."}.',
            do="Fix or remove it.",
            code="row-not-object",
        )
    return value


_FIX = "Fix that line."
_NO_OBJECT = (
    'Each line of JSONL is one object such as {"question": "...", "answer": "..."}; a table needs a name that ends in'
    " .csv or .tsv."
)


def parse_json(text: str, *, place: str, line: int | None = None, do: str = _FIX) -> Any:
    """Parse strict JSON (no duplicate keys, no NaN) that begins at ``line``; raises UserError with a place."""
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise json_fault(error, place, line=line, do=do) from error


def json_fault(error: Exception, place: str, *, line: int | None = None, do: str = _FIX) -> UserError:
    """Return the error for JSON that begins at ``line`` of a file, or is all of it, and could not be parsed."""
    if isinstance(error, json.JSONDecodeError):
        return UserError(
            f"{place}:{(line or 1) + error.lineno - 1}:{error.colno}: malformed JSON: {error.msg}.",
            why="The file cannot be read past this point.",
            do=do,
            code="json-malformed",
        )
    where = place if line is None else f"{place}:{line}"
    return UserError(f"{where}: {error}.", why="Only strict JSON is read.", do="Fix that line.", code="json-not-strict")


def sha256_file(path: Path) -> str:
    """Return the sha256 of a regular file's bytes, read in blocks."""
    with opener.open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice}" occurs twice in one object')
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is larger than any double-precision number")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
"""Decoder of strict JSON."""
_NOUNS = {str: "a string", list: "a list", bool: "true or false", type(None): "null"}


def link_or_copy(source: str, target: str) -> None:
    """Make a hard link where the disk allows it, else a copy; a copy function for ``shutil.copytree``."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def link_children(source: Path, target: Path) -> None:
    """Copy all children of ``source`` into the folder ``target``, as hard links where the disk allows it."""
    for path in sorted(source.iterdir()):
        if path.is_dir():
            shutil.copytree(path, target / path.name, copy_function=link_or_copy)
        else:
            link_or_copy(str(path), str(target / path.name))


def empty_folder(folder: Path, *, keep: frozenset[str]) -> None:
    """Remove everything in a folder but what has one of these names; links are removed, and not followed."""
    for child in folder.iterdir():
        if child.name not in keep or child.is_symlink():
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()
