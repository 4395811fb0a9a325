"""Rows of a file in any format that people publish: JSONL, JSON, CSV and TSV, XML, parquet.

The content decides the format, then the suffix. Every row has a place for messages: ``file:line``.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from noisy_student import files, opener
from noisy_student.data.columns import SourceRow, require_distinct_names
from noisy_student.data.parquet import parquet_rows
from noisy_student.errors import UserError

Lines = Iterator[tuple[int, str]]
"""Lines of a file with their numbers from 1."""

_DO = "Fix that line; a JSON file is one array of objects, or one object a line."
_JSON = (".jsonl", ".ndjson", ".json")
_TABLES = (".csv", ".tsv", ".tab")
_WRAPPERS = frozenset(
    ["data", "dataset", "examples", "instances", "items", "problems", "questions", "records", "rows", "samples"]
    + ["train", "test"]
)
"""Keys under which published JSON files hold their rows."""
_OF_A_ROW = frozenset(["question", "text", "problem", "prompt", "query", "input", "instruction", "body"])
"""Keys of an object that is a row itself, whatever lists it holds."""
_SEPARATORS = "\t;,|"
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[-+]?\d[\d,.]*%?")
MOST_VALUES = 20_000_000
"""Values of one JSON document; an empty object takes 64 bytes of memory for its three characters."""
LARGEST_XML = 20_000_000
"""Characters of XML, whose elements take up to 26 times the memory of their text."""
LONGEST_NAME = 100
"""Characters of a column's name; a longer cell is a text."""
_SHORT = 20


def source_rows(path: Path) -> Iterator[SourceRow]:
    """Yield the rows of a file; raises UserError with the place of a fault."""
    with opener.opened(path) as found:
        yield from rows_of(found)


def rows_of(found: opener.Opened) -> Iterator[SourceRow]:
    """Yield the rows of an open file or of standard input; raises UserError with the place of a fault."""
    if found.head.startswith(opener.PARQUET):
        yield from parquet_rows(found)
        return
    suffix = suffix_of(found.name)
    lines = enumerate(found.lines(), start=1)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        _require_text(found)
        return
    begin, every = first[1].strip(), itertools.chain([first], lines)
    over_lines = begin[-1] in "{[,:" or (suffix == ".json" and begin[-1] != "}")
    if begin.startswith("<"):
        yield from _xml(every, found.name)
    elif begin.startswith("[") or (begin.startswith("{") and over_lines):
        yield from _document(every, found.name)
    elif begin.startswith("{") or suffix in _JSON or not _is_table(begin, suffix):
        rows = (SourceRow(values, place) for values, place in files.rows_of(every, found.name))
        yield from _unwrapped(rows, found.name)
    else:
        yield from _table(every, found.name, suffix)


def suffix_of(name: str) -> str:
    """Return the suffix that tells the format, in lower case and without ``.gz``.

    >>> suffix_of("Train.JSONL.gz")
    '.jsonl'
    """
    return Path(re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)).suffix.lower()


def _require_text(found: opener.Opened) -> None:
    """Raise UserError for a file without a row, unless it is empty by intention: standard input, or blank lines."""
    if found.size == 0 and found.name != opener.STANDARD_INPUT:
        raise UserError(
            f"{found.name} is empty (0 bytes).",
            why="It holds no rows.",
            do="Write or download it again.",
            code="file-empty",
        )


def _is_table(line: str, suffix: str) -> bool:
    return suffix in _TABLES or len(_cells(line, _separator(line, suffix))) > 1


def _unwrapped(rows: Iterator[SourceRow], name: str) -> Iterator[SourceRow]:
    """Yield the rows; of a file of one object that holds its rows under a usual key, yield these."""
    first = next(rows)
    key = _rows_key(first.values)
    second = None if key is None else next(rows, None)
    if key is None or second is not None:
        yield from itertools.chain([first], [] if second is None else [second], rows)
        return
    for number, row in enumerate(first.values[key], start=1):
        yield SourceRow(row, f"{name}, row {number}")


def _whole(lines: Lines, name: str, most: int | None = None) -> tuple[int, str]:
    """Return the number of the first line, and all lines as one text."""
    start, first = next(lines)
    return start, "".join(opener.bounded(itertools.chain([first], (line for _, line in lines)), name, most))


def _document(lines: Lines, name: str) -> Iterator[SourceRow]:
    """Yield the objects of one JSON array, or the one object that a file holds."""
    start, text = _whole(lines, name)
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise opener.too_large(f"{name} is one document of more than {MOST_VALUES:,} values")
    if text.lstrip().startswith("["):
        for value, place in _elements("\n" * (start - 1) + text, name):
            yield SourceRow(files.require_object(value, place), place)
    else:
        value = files.parse_json(text, place=name, line=start, do=_DO)
        yield from _unwrapped(iter([SourceRow(value, f"{name}:{start}")]), name)


def _elements(text: str, name: str) -> Iterator[tuple[Any, str]]:
    """Yield the elements of the array that ``text`` is, one after another, with their places."""
    at = _skipped(text, text.index("[") + 1)
    number, line, counted, sign = 0, 1, 0, text[at : at + 1]
    while sign != "]":
        number, line, counted = number + 1, line + text.count("\n", counted, at), at
        try:
            value, at = files.DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            first = 1 if isinstance(error, json.JSONDecodeError) else line
            raise files.json_fault(error, name, line=first, do=_DO) from error
        yield value, f"{name}:{line}, row {number}"
        at = _skipped(text, at)
        sign = text[at : at + 1]
        if sign not in (",", "]"):
            raise files.json_fault(json.JSONDecodeError("Expecting ',' or ']'", text, at), name, do=_DO)
        at = _skipped(text, at + 1) if sign == "," else at
    if (end := _skipped(text, at + 1)) < len(text):
        raise files.json_fault(json.JSONDecodeError("Extra data", text, end), name, do=_DO)


def _skipped(text: str, at: int) -> int:
    """Return the place of the next character that is no white space."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _rows_key(values: Mapping[str, Any]) -> str | None:
    if any(name.lower() in _OF_A_ROW for name in values):
        return None
    lists = [name for name, value in values.items() if _is_rows(value)]
    usual = [name for name in lists if name.lower() in _WRAPPERS]
    return usual[0] if len(usual) == 1 else lists[0] if len(values) == 1 and lists else None


def _is_rows(value: Any) -> bool:
    """Return True for a list of objects that are no turns of a chat."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, dict) and not row.keys() & {"role", "from"} for row in value)
    )


def _table(lines: Lines, name: str, suffix: str) -> Iterator[SourceRow]:
    """Yield the rows of a table whose first line names the columns; an empty cell is None."""
    start, first = next(lines)
    if told := re.fullmatch(r"\s*\"?sep=(.)\"?\s*", first):
        # Excel names its separator in a line of its own.
        start, first = next(lines, (start, ""))
    separator = told[1] if told else _separator(first, suffix)
    # A quote that is never closed would swallow the rest of the file into one cell.
    csv.field_size_limit(opener.LARGEST_LINE)
    text = itertools.chain([first], (line for _, line in lines))
    reader = csv.reader(_split(text), delimiter=separator, skipinitialspace=True, strict=True)
    columns: Sequence[str] = ()
    before = 0
    try:
        for cells in reader:
            place, before = f"{name}:{start + before}", reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns, given = _header(cells, place, separator)
                if given:
                    continue
            yield SourceRow(_row(columns, cells, place, separator), place)
    except csv.Error as error:
        raise UserError(
            f"{name}:{start + before}: malformed table: {error}.",
            why='Quotes around a cell must be closed, and written twice inside it: "He said ""no""".',
            do="Fix that row.",
            code="table-malformed",
        ) from error


def _split(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, split at lone carriage returns as well, which some spreadsheets write as line ends."""
    for line in lines:
        if "\r" in line.removesuffix("\n").removesuffix("\r"):
            yield from re.split(r"(?<=\r)(?!\n)", line)
        else:
            yield line


def _xml(lines: Lines, name: str) -> Iterator[SourceRow]:
    """Yield the elements that hold only texts under names, such as the problems of ASDiv, with their attributes."""
    start, text = _whole(lines, name, LARGEST_XML)
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text):
        raise _xml_fault(f"{name} defines a document type")
    try:
        elements = ElementTree.fromstring(text.lstrip()).iter()
    except ElementTree.ParseError as error:
        raise _xml_fault(
            f"{name}:{start + error.position[0] - 1}: malformed XML: {str(error).partition(': line')[0]}"
        ) from error
    number = itertools.count(1)
    for element in elements:
        between = [element.text if len(element) else None, *(inner.tail for inner in element)]
        if any(text and text.strip() for text in between):
            raise _xml_fault(f'{name}: the element "{element.tag}" has text between others')
        if len(element) and not any(map(len, element)):
            fields = [*element.attrib.items(), *((one.tag, (one.text or "").strip() or None) for one in element)]
            place = f"{name}, row {next(number)}"
            require_distinct_names([field for field, _ in fields], place)
            yield SourceRow(dict(fields), place)


def _xml_fault(what: str) -> UserError:
    return UserError(
        f"{what}.",
        why="Of XML, only elements with texts under names are read, without a document type.",
        do="Write it as JSONL or CSV, one row for each question.",
        code="xml-malformed",
    )


def _separator(header: str, suffix: str) -> str:
    """Return the separator that divides the header into most cells; a tab where a ``.tsv`` has one."""
    if suffix in (".tsv", ".tab") and "\t" in header:
        return "\t"
    return max(_SEPARATORS, key=lambda sign: (len(_cells(header, sign)), sign == ","))


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []


def _header(cells: Sequence[str], place: str, separator: str) -> tuple[list[str], bool]:
    """Return the names of the columns and True, or usual names and False if the first row is a question already.

    A column without a name is called by its number. Raises UserError for names that repeat or are none.
    """
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    if usual := _without_header(names):
        return usual, False
    shown = separator.replace("\t", "<tab>")
    named = any(name.lower() in _OF_A_ROW for name in names)
    if faulty := next((name for name in names if not named and (name in numbers or _is_text(name))), None):
        raise UserError(
            f'{place} names no columns: it has the cell "{faulty[:LONGEST_NAME]}".',
            why="The first line of a table must name its columns.",
            do=f"Write a first line with {len(names)} names, such as {shown.join(_usual_names(len(names)))}.",
            code="header-missing",
        )
    require_distinct_names(names, place)
    return names, True


def _without_header(cells: Sequence[str]) -> list[str] | None:
    """Return usual names for a first row that is a question already; None for names of columns.

    MGSM is published as question and answer, MMLU as question, options and the right option's letter.
    """
    usual = _usual_names(len(cells))
    question, *options, answer = cells if len(cells) > 1 else ["", ""]
    if len(question) <= _SHORT and not _is_text(question):
        return None
    if options:
        return usual if len(options) > 1 and answer in usual[1:-1] and options != usual[1:-1] else None
    return usual if _NUMBER.fullmatch(answer) else None


def _usual_names(number: int) -> list[str]:
    """Return names for a table of questions and answers, with lettered options between them."""
    return ["question", *string.ascii_uppercase[: max(0, number - 2)], "answer"]


def _is_text(cell: str) -> bool:
    """Return True for a cell that is a question or another text, not the name of a column."""
    ends = cell.rstrip().endswith(("?", ".", "\uff1f", "\u3002", "\u061f", "\u0964"))
    return len(cell) > LONGEST_NAME or (ends and (" " in cell or not cell.isascii()))


def _row(columns: Sequence[str], cells: Sequence[str], place: str, separator: str) -> dict[str, str | None]:
    extra = [cell for cell in cells[len(columns) :] if cell.strip()]
    if extra or len(cells) < len(columns):
        shown = {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(separator, separator)
        raise UserError(
            f"{place} has {len(cells)} cells, and the first line names {len(columns)} columns.",
            why=f"Cells are separated by {shown}; a text that holds one, or a line end, must stand in quotes.",
            do="Fix that row.",
            code="row-width",
        )
    if separator == "\t" and any("\t" in cell and "\n" in cell for cell in cells):
        raise UserError(
            f"{place} has a cell in quotes that holds tabs and line ends.",
            why="Most likely the quote is part of the text, and several rows were read as one.",
            do='Write each quote of a cell twice, and put the cell in quotes: """Yes,"" he said".',
            code="table-malformed",
        )
    return {name: cell if cell.strip() else None for name, cell in zip(columns, cells, strict=False)}
