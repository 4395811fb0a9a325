"""Columns of rows of any shape: every fault is one message, none a traceback."""

from __future__ import annotations

import random
from typing import Any

import pytest

from noisy_student.data.columns import SourceRow, has_column, plain, value_at
from noisy_student.data.fields import Fields, Rules, read_rows
from noisy_student.errors import UserError

TEXTS = (
    *["How many?", "5", "#### 5", "5 or 6", "A", "B. x", "\\boxed{3}", "a ) 1 , b ) 2", "['a','b']", "[1,2]", "A)5"],
    *['{"A": 1}', "\ud800", "#### ", "\\boxed{", "[", "x" * 300, "0", "\n", "####\n5", "$\\frac{1}{2}$", "e\u0301", ""],
)
USUAL = """question Question problem prompt messages answer gold label choices options A B answerKey correct solution id
 body context reward_model completion instruction input paraphrase text agreement a.b question.stem"""
NAMES = [*USUAL.split(), ""]
KEYS = ("role", "content", "from", "value", "text", "label", "stem", "choices", "ground_truth", "A", "B", "1")


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randint(0, 12)
    if kind < 3:
        return chance.choice(TEXTS)
    if kind < 7:
        return chance.choice([None, True, -3, 0, 5, 0.5, 1e300, -0.0, 1e-300, float("nan"), float("inf"), b"\xff"])
    if depth == 3:
        return "How many?"
    if kind < 9:
        return [_value(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    if kind < 11:
        return {chance.choice(KEYS): _value(chance, depth + 1) for _ in range(chance.randint(0, 4))}
    roles = ("user", "assistant", "system", 3, None)
    return [{"role": chance.choice(roles), "content": _value(chance, depth + 1)} for _ in range(chance.randint(0, 3))]


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_any_shape_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    read = 0
    for _ in range(400):
        rows = []
        for number in range(chance.randint(1, 4)):
            values = {chance.choice(NAMES): _value(chance) for _ in range(chance.randint(1, 6))}
            asked = {"question": "How?"} if chance.random() < 0.6 else {}
            rows.append(SourceRow({**values, **asked}, f"x:{number}"))
        named = {
            chance.choice(["question", "answer", "context", "choices", "id"]): chance.choice(["a+b", ".", "x.", "+"])
        }
        fields = Fields(**named) if chance.random() < 0.2 else Fields()
        need = chance.choice(["required", "optional", "any"])
        try:
            found = read_rows(rows, "x", Rules(fields, need, faulty=chance.choice(["refused", "left-out"])))
        except UserError as error:
            assert error.code
            continue
        read += 1
        assert all(item.answer is not None for item in found.items) or need != "required"
        assert all(item.question.text.encode() for item in found.items)
    assert read > 20


def test_names_are_found_in_any_case_and_inside_objects() -> None:
    row = {"Final Answer": 3, "reward_model": {"Ground-Truth": 4}, "a.b": 5, "\u554f\u984c": "q"}
    assert value_at(row, "final_answer") == 3
    assert value_at(row, "reward_model.ground_truth") == 4
    assert value_at(row, "a.b") == 5
    assert value_at(row, "\u554f\u984c") == "q"
    assert has_column(row, "reward_model")
    assert not any(has_column(row, name) for name in ("reward_model.none", "a", ""))
    assert plain("  Ground_Truth ") == "groundtruth"


def test_a_label_beside_an_answer_is_no_answer() -> None:
    rows = [SourceRow({"question": f"How {n}?", "answer": "\\pi", "label": 3}, f"x:{n}") for n in range(3)]
    assert [item.answer for item in read_rows(rows, "x", Rules(Fields(), "any")).items] == [None] * 3
    alone = [SourceRow({"question": "How?", "answer": None, "label": 3}, "x:1")]
    assert [item.answer for item in read_rows(alone, "x", Rules(Fields(), "any")).items] == ["3"]
