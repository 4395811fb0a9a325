"""Secrets do not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.redaction import holds_secret, redact


@pytest.mark.parametrize(
    "secret", ["hf_" + "a" * 34, "AKIA" + "B" * 16, "ghp_" + "c" * 36, "sk-" + "d" * 24, "github_pat_" + "e" * 30]
)
def test_known_shapes_are_removed(secret: str) -> None:
    assert redact(f"before {secret} after", {}) == "before [hidden] after"


def test_values_of_secret_variables_are_removed_and_others_stay() -> None:
    environment = {"WANDB_API_KEY": "0123456789abcdef", "HOME": "/home/someone", "A_TOKEN": "1"}
    assert redact("0123456789abcdef /home/someone 1", environment) == "[hidden] /home/someone 1"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True),
        ("HUGGINGFACEHUB_API_TOKEN", True),
        ("WANDB_API_KEY", True),
        ("WANDB_APIKEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("DB_PASSWORD", True),
        ("DB_PASSWD", True),
        ("SECRET", True),
        ("key", True),
        ("KEYBOARD", False),
        ("MY_KEYBOARD", False),
        ("MONKEY", False),
        ("COMPASS", False),
        ("LESSKEYIN", False),
    ],
)
def test_a_variable_speaks_of_a_secret_by_a_whole_word(name: str, secret: bool) -> None:
    assert (redact("x baseline x", {name: "baseline"}) == "x [hidden] x") == secret


def test_a_secret_may_begin_with_a_slash_and_a_path_is_none(tmp_path: Path) -> None:
    assert redact("key /wJalrXUtnFEMI", {"AWS_SECRET_ACCESS_KEY": "/wJalrXUtnFEMI"}) == "key [hidden]"
    file = tmp_path / "the-key"
    file.touch()
    assert redact(f"read {file}", {"SSH_KEY": str(file)}) == f"read {file}"


@pytest.mark.parametrize("value", ["pa'ss\\word1", 'pa"ss\tword', "p\u00e4sswort\u2028"])
def test_a_secret_is_found_as_it_stands_in_a_traceback_or_in_json(value: str) -> None:
    for text in (value, repr(value), repr([value]), json.dumps({"a": value})):
        assert value not in redact(text, {"A_KEY": value})
        assert repr(value)[1:-1] not in redact(text, {"A_KEY": value})
        assert "[hidden]" in redact(text, {"A_KEY": value})


def test_an_honest_setting_is_no_secret_because_a_password_is_a_word() -> None:
    weak, strong = {"POSTGRES_PASSWORD": "postgres"}, {"A_KEY": "0123456789abcdef"}
    assert not holds_secret("postgres/mine.jsonl", weak)
    assert holds_secret("postgres", weak)
    assert holds_secret("x/0123456789abcdef/y", strong)
    assert holds_secret("hf_" + "a" * 34, {})
