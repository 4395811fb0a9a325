"""Multiple choice: reads a row's options and the right one, and asks the question so that its answer is a number.

Options that are distinct numbers are listed without letters, and the answer is the right option's value. All other
options are numbered, and the answer is the right option's number. A worked solution speaks of letters, so it is left
out with numbered options.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisy_student.data.columns import Reads, SourceRow, not_text, value_at
from noisy_student.errors import UserError

BY_NUMBER = "Answer with the option's number."
"""Last line of a question with numbered options."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_CHARACTERS = 20_000
"""Longest text that is read as a list of options."""

_LABELED = re.compile(r"\s*\(?(?P<label>[A-Za-z]|[0-9]{1,2})\s*[).:]\s*(?P<text>.*)", re.DOTALL)
_INLINE = re.compile(r"(?:^|[,;\s\[])\(?(?P<label>[A-Za-z])\s{0,3}[).:]")
_QUOTED = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
_LISTED = re.compile(rf"\s*\[\s*(?:(?:{_QUOTED})[\s,]*)++\]\s*")
_LETTER = re.compile(
    r"\s*(?:(?:option|choice|answer)\s*:?\s*)?\(?(?P<label>[A-Za-z0-9]{1,2})\)?[.:]?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its letter or number in the file, and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its options. ``answer`` is None if none is written, or if no option fits it.

    ``numbered`` is True if the answer is the option's number, not its value.
    """

    text: str
    answer: str | None
    numbered: bool


def options_of(row: SourceRow, columns: Sequence[str]) -> list[Option]:
    """Return the options of a row: of one column that lists them, or of a column for each; empty without any."""
    if len(columns) == 1:
        return _parsed(row, value_at(row.values, columns[0]))
    texts = [value_at(row.values, name) for name in columns]
    return [
        Option(LETTERS[place], str(text).strip())
        for place, text in enumerate(texts)
        if text is not None and str(text).strip()
    ]


def first_index(rows: Iterable[SourceRow], columns: Sequence[str], answer: str | None) -> int | None:
    """Return the number that the first option has where the answers are whole numbers: 0 or 1.

    None if the answers are options' values or labels, or do not say: then a bare number is no index.
    """
    found: list[int] = []
    values = sizes = 0
    doubtful: SourceRow | None = None
    for row in rows:
        options = options_of(row, columns)
        written = _scalar(value_at(row.values, answer)) if answer else None
        if not options or written is None or not written.isdecimal():
            continue
        place = int(written)
        found.append(place)
        sizes = max(sizes, len(options))
        labeled = any(option.label == written for option in options)
        values += labeled or any(option.text == written for option in options)
        if not labeled and place < len(options) and options[place].text != written:
            doubtful = doubtful or row
    if not found or max(found) > sizes:
        return None
    if 2 * values > len(found):
        if doubtful is not None and max(found) < sizes:
            raise _index_or_value(doubtful, answer or "")
        return None
    return 0 if 0 in found else 1 if sizes in found else None


def _index_or_value(row: SourceRow, answer: str) -> UserError:
    return UserError(
        f'{row.place}: "{answer}" may be the place of the right option or its value.',
        why="Every answer of the file is both the place of one option and the text of another.",
        do="Write the answers as letters (A, B, …), or give more rows.",
        code="choices-ambiguous",
    )


def asked(text: str, options: Sequence[Option], right: str | None, *, first: int | None, reads: Reads) -> Asked:
    """Return the question with its options; ``right`` is the answer as written, ``reads`` reads a number."""
    values = [reads(option.text) for option in options]
    numbered = None in values or len(set(values)) < len(values)
    index = None if right is None else _index(options, right, first)
    if numbered:
        lines = "\n".join(f"{place}) {option.text}" for place, option in enumerate(options, start=1))
        answer = None if index is None else str(index + 1)
        return Asked(f"{text}\n{lines}\n{BY_NUMBER}", answer, numbered=True)
    listed = "; ".join(option.text for option in options)
    return Asked(f"{text}\nOptions: {listed}", None if index is None else values[index], numbered=False)


def _index(options: Sequence[Option], right: str, first: int | None) -> int | None:
    """Return the place of the right option by its label, its text, or its index; None if none or several fit."""
    written = right.strip()
    if first is not None and written.isdecimal():
        place = int(written) - first
        return place if 0 <= place < len(options) else None
    letter = _LETTER.fullmatch(written)
    found = [
        place
        for place, option in enumerate(options)
        if _same(option.text, written) or (letter and _same(option.label, letter["label"]))
    ]
    both = _LABELED.fullmatch(written)
    if both and not found:
        labels = [place for place, option in enumerate(options) if _same(option.label, both["label"])]
        found = [place for place in labels if _same(options[place].text, both["text"])]
    return found[0] if len(found) == 1 else None


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _scalar(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else None


def _parsed(row: SourceRow, value: Any) -> list[Option]:
    if isinstance(value, str):
        return _from_text(row, value)
    if isinstance(value, Mapping):
        texts, labels = (value.get(name) for name in ("text", "label"))
        if isinstance(texts, list) and isinstance(labels, list) and len(texts) == len(labels):
            return [Option(str(label), str(text).strip()) for label, text in zip(labels, texts, strict=True)]
        return [Option(str(label), str(text).strip()) for label, text in value.items() if text is not None]
    if value is not None and not isinstance(value, list):
        raise not_text(row, "choices", value)
    return _from_list(row, value or [])


def _from_list(row: SourceRow, values: Sequence[Any]) -> list[Option]:
    if values and all(isinstance(entry, Mapping) and "text" in entry for entry in values):
        return [
            Option(str(entry.get("label", letter)), str(entry["text"]).strip())
            for letter, entry in zip(itertools.cycle(LETTERS), values, strict=False)
        ]
    if not all(isinstance(entry, str | int | float) and not isinstance(entry, bool) for entry in values):
        raise not_text(row, "choices", values[0] if len(values) == 1 else list(values))
    if len(values) > len(LETTERS):
        raise UserError(
            f"{row.place}: the choices are a list of {len(values)}.",
            why=f"A question has at most {len(LETTERS)} options.",
            do="Correct that line.",
            code="too-many-choices",
        )
    texts = [str(entry).strip() for entry in values]
    parted = [_LABELED.fullmatch(text) for text in texts]
    labels = "".join(part["label"].upper() for part in parted if part)
    if texts and labels == LETTERS[: len(texts)]:
        return [Option(part["label"].upper(), part["text"].strip()) for part in parted if part]
    return [Option(letter, text) for letter, text in zip(LETTERS, texts, strict=False)]


def _from_text(row: SourceRow, text: str) -> list[Option]:
    """Read options from one text: a JSON list, a list as Python prints it, or ``a ) 38 , b ) 27``."""
    if not text.strip() or len(text) > MOST_CHARACTERS:
        return []
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list | dict):
        return _parsed(row, value)
    if _LISTED.fullmatch(text):
        quoted = (entry[1:-1] for entry in re.findall(_QUOTED, text))
        return _from_list(row, [re.sub(r"\\(.)", r"\1", entry) for entry in quoted])
    found: list[re.Match[str]] = []
    for match in _INLINE.finditer(text):
        # A letter out of turn belongs to an option's text.
        if len(found) < len(LETTERS) and match["label"].upper() == LETTERS[len(found)]:
            found.append(match)
    if len(found) > 1:
        ends = [match.start() for match in found[1:]] + [len(text)]
        texts = [text[match.end() : end].strip(" \t\n,;]'\"") for match, end in zip(found, ends, strict=True)]
        return [Option(letter, entry) for letter, entry in zip(LETTERS, texts, strict=False)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _from_list(row, lines) if len(lines) > 1 else []
