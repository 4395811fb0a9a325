"""What is refused of conditions that hang on one another's students."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from noisy_student.errors import UserError
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, check, resolve

GOLD = {"train": ["gold"]}
CONDITIONS: dict[str, dict[str, Any]] = {
    "base": {"method": "none"},
    "baseline": GOLD,
    "first": {**GOLD, "accept": {"against": "baseline"}},
    "second": {**GOLD, "accept": {"against": "first"}, "start": "first"},
    "last": {"method": "last", "last_of": ["baseline", "first", "second"]},
}
FIELDS: dict[str, Any] = {
    "name": "toy",
    "scale": "lab",
    "protocol": "default",
    "question": "?",
    "model": {"id": "some/model"},
    "models": {"small": {"id": "other/model"}},
}


def made(**changes: dict[str, Any]) -> Any:
    names = {name.replace("_", "-"): fields for name, fields in changes.items()}
    return check({**FIELDS, "conditions": {**CONDITIONS, **names}})


def test_a_chain_is_a_study() -> None:
    assert made().conditions["last"].last_of == ("baseline", "first", "second")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"second": {**GOLD, "start": "frist"}}, 'conditions.second names "frist"'),
        ({"second": {**GOLD, "accept": {"against": "frist"}}}, 'Did you mean "first"'),
        ({"last": {"method": "last", "last_of": ["baseline", "third"]}}, 'conditions.last names "third"'),
        ({"second": {**GOLD, "start": "base"}}, "goes on from base, which trains nothing"),
        ({"last": {"method": "last", "last_of": ["base", "first"]}}, "goes on from base, which trains nothing"),
        ({"second": {**GOLD, "start": "first", "model": "small"}}, "start from different models"),
        ({"first": {**GOLD, "accept": {"against": "base"}, "model": "small"}}, "start from different models"),
        ({"last": {"method": "last", "last_of": ["baseline", "first"], "model": "small"}}, "is asked like one"),
        ({"last": {"method": "last", "last_of": ["first", "second"]}}, "first, may be turned down"),
        ({"base": {"method": "none", "accept": {"against": "baseline"}}}, "trains nothing and has accept"),
        ({"first": {**GOLD, "accept": {"against": "first"}}}, "against one another in a circle: first → first"),
        (
            {"first": {**GOLD, "accept": {"against": "second"}}},
            "against one another in a circle: first → second → first",
        ),
        ({"second": {**GOLD, "start": "first", "lora": {"rank": 2}}}, "one of them is an adapter"),
        ({"first": {**GOLD, "lora": {"rank": 2}}}, "Set lora.merge = true"),
        ({"last": {"method": "last"}}, "goes with last_of, and only it"),
        ({"baseline": {**GOLD, "last_of": ["first"]}}, "goes with last_of, and only it"),
        ({"last": {"method": "last", "last_of": ["baseline"], "train": ["gold"]}}, "empty train list"),
        ({"last": {"method": "last", "last_of": ["baseline"], "lora": {"rank": 2}}}, "lora and trains nothing"),
        ({"first": {**GOLD, "accept": {"against": "baseline", "error": 1.0}}}, "conditions.first.accept.error"),
        ({"first": {**GOLD, "model": "smal"}}, 'names "smal", which this study does not have. Did you mean "small"'),
    ],
)
def test_a_chain_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        made(**changes)
    assert said in str(caught.value)


def test_adapters_that_are_merged_are_whole_models() -> None:
    merged = {**GOLD, "lora": {"rank": 2, "merge": True}}
    assert made(second={**merged, "start": "first"}, first={**merged, "accept": {"against": "baseline"}})


@pytest.mark.parametrize(
    ("more", "circle"),
    [
        ('a = { train = ["gold"], start = "b" }\nb = { train = ["gold"], start = "a" }', "a → b → a"),
        ('a = { method = "last", last_of = ["baseline", "a"] }', "a → a"),
    ],
)
def test_students_that_wait_for_one_another_are_refused(more: str, circle: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'question = "?"\n[conditions]\nbaseline = {{ train = ["gold"] }}\n{more}\n')
    with pytest.raises(UserError, match=circle):
        plan(resolve(Request(str(path))))
