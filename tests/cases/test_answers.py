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
    paths = sorted(CASES.glob(f"{name}-*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]


TEXTS = [row for name in CLASSES for row in rows(name)]


@pytest.mark.parametrize("row", TEXTS, ids=[row["case"] for row in TEXTS])
def test_a_text_reads_as_its_case_says(row: dict[str, Any]) -> None:
    found = extract(row["text"])
    right = row["right"] if isinstance(row["right"], list) else [row["right"]]
    assert (found.canonical if isinstance(found, Answer) else None) in right


@pytest.mark.parametrize("row", rows("n"), ids=[row["case"] for row in rows("n")])
def test_a_float_gold_equals_the_value_that_it_rounds(row: dict[str, Any]) -> None:
    gold = canonical_number(f"{Decimal(repr(row['answer'])):f}")
    said = canonical_number(row["model_says"])
    assert gold is not None and said is not None
    assert same(gold, said) == row["right"]
