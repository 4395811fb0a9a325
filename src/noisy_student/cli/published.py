"""Tables of published numbers, and what is claimed of them: CSV or JSONL in, checked rows out."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError, nearest
from noisy_student.evaluation.claims import SAYS, Claim


@dataclass(frozen=True, slots=True)
class Published:
    """One line of a table of published numbers."""

    name: str
    correct: int
    n: int


def read_table(path: Path) -> list[Published]:
    """The rows of a CSV or JSONL table; raises UserError with file and line for what is no row."""
    rows = _rows(path)
    if len(rows) < 2:
        raise UserError(
            f"{path} has {len(rows)} rows.", why="A comparison needs two.", do="Add rows of name,correct,n."
        )
    return [_published(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def read_claims(path: Path) -> list[Claim]:
    """The claims of a CSV or JSONL file; raises UserError with file and row for what is none."""
    found = [_claim(row, f"{path}, row {number}") for number, row in enumerate(_rows(path), start=1)]
    if not found:
        raise UserError(f"{path} holds no claims.", do="Add rows of a,b,says.")
    return found


def _claim(row: dict[str, Any], place: str) -> Claim:
    missing = [name for name in ("a", "b", "says") if not row.get(name)]
    if missing:
        raise UserError(f"{place} has no {' and no '.join(missing)}.", do="Give every row a, b and says.")
    says = next((word for word in SAYS if word == row["says"]), None)
    if says is None:
        raise UserError(f'{place} says "{row["says"]}".', do=nearest(str(row["says"]), SAYS))
    return Claim(str(row["a"]), str(row["b"]), says, str(row.get("family") or "claims"), str(row.get("source") or ""))


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return list(files.read_jsonl(path)) if path.suffix == ".jsonl" else _csv(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", do="Check the path.") from error


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def _published(row: dict[str, Any], place: str) -> Published:
    missing = [name for name in ("name", "correct", "n") if row.get(name) is None]
    if missing:
        raise UserError(f"{place} has no {' and no '.join(missing)}.", do="Give every row name, correct and n.")
    return Published(str(row["name"]), *(_whole(row[name], f"{place}, {name}") for name in ("correct", "n")))


def _whole(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    raise UserError(f"{place} is {value!r}.", why="Counts are whole numbers.", do="Give right answers and questions.")
