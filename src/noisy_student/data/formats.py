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
from noisy_student.data.columns import SourceRow
from noisy_student.data.parquet import parquet_rows
from noisy_student.errors import UserError

Lines = Iterator[tuple[int, str]]
"""Lines of a file with their numbers from 1."""

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
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""First line by which Excel is told the separator."""
_NUMBER = re.compile(r"[-+]?\d[\d,.]*%?")
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
        yield from _json_lines(every, found.name)
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


def _json_lines(lines: Lines, name: str) -> Iterator[SourceRow]:
    """Yield the objects of JSONL; a file of one object that holds the rows in it is read as these."""
    rows = (SourceRow(values, place) for values, place in files.rows_of(lines, name))
    first = next(rows)
    if not _holds_rows(first.values):
        yield first
    elif (second := next(rows, None)) is not None:
        yield from (first, second)
    else:
        yield from _inner(first.values, name)
    yield from rows


def _document(lines: Lines, name: str) -> Iterator[SourceRow]:
    """Yield the objects of one JSON array, or of objects that are written over several lines each."""
    start, first = next(lines)
    text = "".join(opener.bounded(itertools.chain([first], (line for _, line in lines)), name))
    if text.lstrip().startswith("["):
        yield from _numbered(_elements(text, name, start), name)
        return
    rows = _numbered(_values(text, name, start), name)
    found = list(itertools.islice(rows, 2))
    if len(found) == 1 and _holds_rows(found[0].values):
        yield from _inner(found[0].values, name)
        return
    yield from found
    yield from rows


def _numbered(values: Iterable[tuple[Any, int]], name: str) -> Iterator[SourceRow]:
    for number, (value, line) in enumerate(values, start=1):
        place = f"{name}:{line}, row {number}"
        yield SourceRow(files.require_object(value, place), place)


def _elements(text: str, name: str, start: int) -> Iterator[tuple[Any, int]]:
    """Yield the elements of the array that ``text`` is, each with its line; ``start`` is the line of the text."""
    reader = _Reader(text, name, start)
    reader.expect("[")
    if reader.next() == "]":
        reader.expect("]")
    else:
        yield reader.value()
        while reader.next() == ",":
            reader.expect(",")
            yield reader.value()
        reader.expect("]", ",")
    if reader.next():
        reader.fail("Extra data")


def _values(text: str, name: str, start: int) -> Iterator[tuple[Any, int]]:
    """Yield the values that follow one another in ``text``, each with its line."""
    reader = _Reader(text, name, start)
    while reader.next():
        yield reader.value()


class _Reader:
    """Reads JSON values from a text one after another, and counts lines."""

    _SPACE = re.compile(r"[ \t\r\n]*")

    def __init__(self, text: str, name: str, start: int) -> None:
        self.text, self.name, self.place, self.line, self.counted = text, name, 0, start, 0
        self.start = start

    def next(self) -> str:
        """Return the next character that is no white space; empty at the end."""
        found = self._SPACE.match(self.text, self.place)
        assert found is not None
        self.place = found.end()
        return self.text[self.place : self.place + 1]

    def expect(self, *signs: str) -> None:
        """Skip the first of ``signs``; raises UserError if another character stands there."""
        if self.next() != signs[0]:
            self.fail(f"Expecting {' or '.join(map(repr, signs))}")
        self.place += 1

    def value(self) -> tuple[Any, int]:
        """Return the value that begins here, and its line."""
        self.next()
        self.line += self.text.count("\n", self.counted, self.place)
        self.counted = self.place
        try:
            value, self.place = files.DECODER.raw_decode(self.text, self.place)
        except json.JSONDecodeError as error:
            self.place = error.pos
            self.fail(error.msg)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{self.name}:{self.line}: {error}.",
                why="Only strict JSON is read.",
                do="Fix that row.",
                code="json-not-strict",
            ) from error
        return value, self.line

    def fail(self, why: str) -> None:
        """Raise UserError with line and column of the present place."""
        line = self.start + self.text.count("\n", 0, self.place)
        column = self.place - (self.text.rfind("\n", 0, self.place) + 1) + 1
        raise UserError(
            f"{self.name}:{line}:{column}: malformed JSON: {why}.",
            why="The file cannot be read past this point.",
            do="Fix that line; a JSON file is one array of objects, or one object a line.",
            code="json-malformed",
        )


def _holds_rows(values: Mapping[str, Any]) -> bool:
    """Return True if an object is a whole data set, and no row: rows under a usual key, or one value per row."""
    return _rows_key(values) is not None or _columns(values) is not None


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


def _columns(values: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of an object that holds a column under each key: lists, or the numbered entries of pandas."""
    columns = list(values.values())
    if all(isinstance(column, list) for column in columns) and len(columns) > 1:
        if len(columns[0]) > 1 and len({len(column) for column in columns}) == 1 and not any(map(_is_rows, columns)):
            return [dict(zip(values, row, strict=True)) for row in zip(*columns, strict=True)]
    elif all(isinstance(column, dict) for column in columns) and columns:
        keys = list(columns[0])
        if keys and all(key.isdigit() for key in keys) and all(list(column) == keys for column in columns):
            return [{name: column[key] for name, column in values.items()} for key in keys]
    return None


def _inner(values: Mapping[str, Any], name: str) -> Iterator[SourceRow]:
    key = _rows_key(values)
    rows = _columns(values) if key is None else values[key]
    for number, row in enumerate(rows or (), start=1):
        yield SourceRow(row, f"{name}, row {number}")


def _table(lines: Lines, name: str, suffix: str) -> Iterator[SourceRow]:
    """Yield the rows of a table whose first line names the columns; an empty cell is None."""
    start, first = next(lines)
    if told := _SEPARATOR_LINE.fullmatch(first):
        start, first = next(lines, (start + 1, ""))
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
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start", "end"))
    outer: list[ElementTree.Element] = []
    rows_within: set[int] = set()
    start, first = next(lines)
    number, text = start, opener.bounded(itertools.chain([first], (line for _, line in lines)), name)
    try:
        for number, line in enumerate(text, start=start):
            if "<!" in line and re.search(r"<!\s*(DOCTYPE|ENTITY)", line):
                raise ElementTree.ParseError("it defines a document type")
            parser.feed(line)
            events: Iterable[Any] = parser.read_events()
            for event, element in events:
                if event == "start":
                    outer.append(element)
                    continue
                outer.pop()
                within = len(outer) in rows_within
                between = [element.text if len(element) else None, *(inner.tail for inner in element)]
                if any(text and text.strip() for text in between):
                    raise ElementTree.ParseError(f'the element "{element.tag}" has text between others')
                if len(element) and not within:
                    yield SourceRow(_fields_of(element, f"{name}:{number}"), f"{name}:{number}")
                rows_within.discard(len(outer))
                if (len(element) or within) and outer:
                    rows_within.add(len(outer) - 1)
                    # Only the texts of one row are held at a time.
                    outer[-1].remove(element)
        parser.close()
    except ElementTree.ParseError as error:
        raise UserError(
            f"{name}:{number}: XML that cannot be read: {error}.",
            why="Of XML, only elements with texts under names are read, without a document type.",
            do="Write it as JSONL or CSV, one row for each question.",
            code="xml-malformed",
        ) from error


def _fields_of(element: ElementTree.Element, place: str) -> dict[str, str | None]:
    found = [*element.attrib.items(), *((child.tag, (child.text or "").strip() or None) for child in element)]
    if len(row := dict(found)) < len(found):
        raise UserError(
            f'{place}: the element "{element.tag}" holds one name twice.',
            why="A row would hold two values under one name.",
            do="Write it as JSONL or CSV, one row for each question.",
            code="column-repeated",
        )
    return row


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
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(
            f'{place} names two columns "{twice}".',
            why="A row would hold two values under one name.",
            do="Rename one of them.",
            code="column-repeated",
        )
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
