"""Flags and --set into dotted settings."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.cli.overrides import Flags, overrides, parse_set


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("labels.votes.K=16", ("labels.votes.K", 16)),
        ("sft.learning_rate = 1e-4", ("sft.learning_rate", 1e-4)),
        ("teacher=base", ("teacher", "base")),
        ("model.id=Qwen/Qwen3-0.6B", ("model.id", "Qwen/Qwen3-0.6B")),
        ('teacher="8"', ("teacher", "8")),
        ("data.source.steps=[2, 3]", ("data.source.steps", [2, 3])),
        ("conditions.x.select={ min_agreement = 0.5 }", ("conditions.x.select", {"min_agreement": 0.5})),
        ("question=a=b", ("question", "a=b")),
        ("model.revision=2026-01-01", ("model.revision", "2026-01-01")),
        ("match=true", ("match", True)),
        ("x=1\ny = 2", ("x", "1\ny = 2")),
    ],
)
def test_values_are_toml_and_bare_words_are_strings(text: str, expected: object) -> None:
    assert parse_set(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("labels", "set-malformed"),
        ("=3", "set-malformed"),
        ("a..b=3", "set-malformed"),
        ("a=[1, 2", "set-not-toml"),
        ('a="x', "set-not-toml"),
        ("a=nan", "number-not-finite"),
        ("a=[1.0, inf]", "number-not-finite"),
    ],
)
def test_a_malformed_set_is_refused(text: str, code: str) -> None:
    with refused(code, text):
        parse_set(text)


def test_flags_are_short_for_fields_and_set_wins() -> None:
    flags = Flags(model="lab-m", data="q.jsonl", limit=50, seeds="1, 2,3", sets=["data.limit=60"])
    assert overrides(flags) == {
        "model.id": "lab-m",
        "data.source.kind": "jsonl",
        "data.source.labeled": "q.jsonl",
        "data.limit": 60,
        "seeds": [1, 2, 3],
    }
    assert overrides(Flags()) == {}


@pytest.mark.parametrize("text", ["", "1,,2", "a", "-1", "1.5", "²"])
def test_seeds_are_whole_numbers(text: str) -> None:
    with refused("seeds-invalid", f'"{text}"'):
        overrides(Flags(seeds=text))


@examples(50)
@given(st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_numbers_come_back_as_they_were(value: float) -> None:
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    parsed = parse_set(f"a.b={written}")[1]
    assert parsed == value
    assert type(parsed) is type(value)
