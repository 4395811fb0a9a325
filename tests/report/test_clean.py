"""Clean text: control characters are escaped, secrets hidden, everything else kept."""

from __future__ import annotations

import unicodedata

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.report.clean import LONGEST, clean, clean_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("right\rwrong", r"right\x0dwrong"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u2028b", r"a\u2028b"),
        ("\ud800", r"\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("<b>stays</b> {{7*7}}", "<b>stays</b> {{7*7}}"),
    ],
)
def test_control_characters_are_written_out(text, shown):
    assert clean_text(text) == shown


@pytest.mark.parametrize(
    "secret",
    ["hf_" + "A1" * 17, "AKIA" + "Q" * 16, "ghp_" + "z" * 36, "sk-" + "a1_-" * 6],
)
def test_tokens_are_hidden(secret):
    assert secret not in clean_text(f"HF_TOKEN={secret} and more")
    assert clean_text(f"x {secret} y") == "x [hidden] y"


def test_assigned_keys_and_passwords_in_addresses_are_hidden():
    assert "0a" * 20 not in clean_text("WANDB_API_KEY=" + "0a" * 20)
    assert clean_text("https://me:secret@host/x") == "https://[hidden]@host/x"
    assert clean_text("commit " + "0a" * 20) == "commit " + "0a" * 20
    assert clean_text("task-recorded-with-a-long-name") == "task-recorded-with-a-long-name"


def test_documents_are_cleaned_throughout_and_not_changed_in_place():
    value = {"k\x07": ["\x1b", None, 1, 0.5, True]}
    assert clean(value) == {"k\\x07": ["\\x1b", None, 1, 0.5, True]}
    assert value == {"k\x07": ["\x1b", None, 1, 0.5, True]}


@examples(40)
@given(st.text(alphabet="ab \n\t\x00\x1b\x9b\u200b\u202e\u2066\u2028\ufeff\ud800\U000e0041", max_size=20))
def test_nothing_invisible_is_left(text):
    cleaned = clean_text(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in cleaned)
    cleaned.encode()


def test_long_text_is_cut_by_characters():
    assert len(clean_text("é" * 5000)) == LONGEST
