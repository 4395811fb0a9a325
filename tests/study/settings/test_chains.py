"""Refusals of conditions that depend on one another's students."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import refused

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
    ("changes", "code", "value"),
    [
        ({"second": {**GOLD, "start": "frist"}}, "unknown-name", 'conditions.second names "frist"'),
        ({"second": {**GOLD, "accept": {"against": "frist"}}}, "unknown-name", 'Did you mean "first"'),
        (
            {"last": {"method": "last", "last_of": ["baseline", "third"]}},
            "unknown-name",
            'conditions.last names "third"',
        ),
        ({"second": {**GOLD, "start": "base"}}, "chain-from-untrained", "base"),
        ({"last": {"method": "last", "last_of": ["base", "first"]}}, "chain-from-untrained", "base"),
        ({"second": {**GOLD, "start": "first", "model": "small"}}, "chain-of-different-models", "conditions."),
        (
            {"first": {**GOLD, "accept": {"against": "base"}, "model": "small"}},
            "chain-of-different-models",
            "conditions.",
        ),
        (
            {"last": {"method": "last", "last_of": ["baseline", "first"], "model": "small"}},
            "chain-of-different-models",
            "conditions.last",
        ),
        ({"last": {"method": "last", "last_of": ["first", "second"]}}, "chain-without-end", "first"),
        ({"base": {"method": "none", "accept": {"against": "baseline"}}}, "unknown-field", "conditions.base.accept"),
        ({"first": {**GOLD, "accept": {"against": "first"}}}, "review-circle", "first → first"),
        (
            {"first": {**GOLD, "accept": {"against": "second"}}},
            "review-circle",
            "first → second → first",
        ),
        ({"second": {**GOLD, "start": "first", "lora": {"rank": 2}}}, "chain-of-adapters", "conditions.second"),
        ({"first": {**GOLD, "lora": {"rank": 2}}}, "chain-of-adapters", "lora.merge = true"),
        ({"last": {"method": "last"}}, "field-missing", "conditions.last.last_of"),
        ({"baseline": {**GOLD, "last_of": ["first"]}}, "unknown-field", "conditions.baseline.last_of"),
        (
            {"last": {"method": "last", "last_of": ["baseline"], "train": ["gold"]}},
            "unknown-field",
            "conditions.last.train",
        ),
        (
            {"last": {"method": "last", "last_of": ["baseline"], "lora": {"rank": 2}}},
            "unknown-field",
            "conditions.last.lora",
        ),
        (
            {"first": {**GOLD, "accept": {"against": "baseline", "error": 1.0}}},
            "field-invalid",
            "conditions.first.accept.error",
        ),
        ({"first": {**GOLD, "model": "smal"}}, "unknown-name", 'Did you mean "small"'),
    ],
)
def test_a_chain_that_cannot_be_is_refused(changes: dict[str, Any], code: str, value: str) -> None:
    with refused(code, value):
        made(**changes)


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
    with refused("teacher-circle", circle):
        plan(resolve(Request(str(path))))
