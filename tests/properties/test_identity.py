"""Canonical JSON, digests, and the digest of code."""

from __future__ import annotations

import json
import math
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student import identity

words = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: unicodedata.normalize("NFC", text))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def _turned(value):
    """The same value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(values)
def test_the_order_of_keys_does_not_count(value):
    assert identity.digest(_turned(value)) == identity.digest(value)


@settings(max_examples=40, deadline=None)
@given(values)
def test_canonical_text_reads_back_as_the_value_and_is_its_own_canonical_form(value):
    text = identity.canonical(value)
    assert identity.canonical(json.loads(text)) == text
    assert json.loads(text) == value
    assert text.isascii()


@settings(max_examples=40, deadline=None)
@given(values, values)
def test_different_texts_have_different_digests(one, other):
    alike = identity.canonical(one) == identity.canonical(other)
    assert (identity.digest(one) == identity.digest(other)) == alike


def test_numbers_of_different_kinds_are_different_things():
    texts = [identity.canonical(value) for value in (1, 1.0, True, "1", None)]
    assert texts == ["1", "1.0", "true", '"1"', "null"]
    assert identity.canonical(-0.0) == identity.canonical(0.0)


def test_composed_and_decomposed_letters_are_one():
    assert identity.digest({"é": "é"}) == identity.digest({"é": "é"})


def test_tuples_are_lists():
    assert identity.canonical((1, (2,))) == "[1,[2]]"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_identity(value):
    with pytest.raises(ValueError, match="no identity"):
        identity.digest({"a": [value]})


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x", object()])
def test_what_json_has_no_word_for_has_no_identity(value):
    with pytest.raises(TypeError):
        identity.digest(value)


def test_the_digest_of_a_value_is_pinned():
    assert (
        identity.digest({"b": 1, "a": [1.5, None]})
        == "cf0c4895ed707baaf7f40eaf8263541a10f2599db4d8955d035dc0a8f254ee32"
    )


def test_the_closure_follows_imports_inside_functions_and_stays_inside_the_package():
    closure = identity.import_closure(["noisy_student.models.lab"])
    assert {"noisy_student.models.lab", "noisy_student.errors", "noisy_student.files"} <= closure
    assert all(name.startswith("noisy_student") for name in closure)
    assert "noisy_student.answer_key" not in identity.import_closure(["noisy_student.study.stages.train_sft"])


def test_comments_and_docstrings_do_not_count_but_code_does(tmp_path, monkeypatch):
    texts = {
        "plain": "def f(x):\n    return x + 1\n",
        "commented": '"""Doc."""\n\n\ndef f(x):\n    """More."""\n    # why\n    return x + 1\n',
        "changed": "def f(x):\n    return x + 2\n",
    }
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    digests = {}
    for name, text in texts.items():
        (tmp_path / "toy.py").write_text(text)
        monkeypatch.setattr(identity, "_PARSED", {})
        digests[name] = identity.code_digest(["noisy_student.toy"])
    assert digests["plain"] == digests["commented"]
    assert digests["plain"] != digests["changed"]
