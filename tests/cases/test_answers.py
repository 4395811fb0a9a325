"""Cases of answers from public reports, right as written there: a list holds the values allowed, null is no answer."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract
from noisy_student.answers.normalize import canonical_number
from noisy_student.records import Answer

CASES = Path(__file__).parent
CLASSES = ("a", "b", "d", "e", "f", "g", "h", "j")


def rows(name: str) -> list[dict[str, Any]]:
    (path,) = CASES.glob(f"{name}-*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", CLASSES)
def test_a_text_reads_as_its_case_says(name: str) -> None:
    wrong = {}
    for row in rows(name):
        found = extract(row["text"])
        read = found.canonical if isinstance(found, Answer) else None
        if read not in (row["right"] if isinstance(row["right"], list) else [row["right"]]):
            wrong[row["case"]] = (read, row["right"])
    assert wrong == {}


def test_a_float_gold_equals_the_value_that_it_rounds() -> None:
    wrong = {}
    for row in rows("n"):
        gold, said = canonical_number(f"{Decimal(repr(row['answer'])):f}"), canonical_number(row["model_says"])
        if gold is None or said is None or same(gold, said) != row["right"]:
            wrong[row["case"]] = (gold, said, row["right"])
    assert wrong == {}
