"""Secrets do not pass."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from noisy_student.redaction import TOKENS, holds_secret, redact

KNOWN = (
    *("hf_" + "a" * 34, "AKIA" + "B" * 16, "ASIA" + "B2" * 8, "ghp_" + "c" * 36, "gho_" + "c" * 36, "sk-" + "d" * 24),
    *("github_pat_" + "e" * 30, "glpat-" + "aB3_" * 5, "glrt-" + "t" * 20, "gldt-" + "t" * 20, "npm_" + "n" * 36),
    *("xoxb-123456789012-abcdefghij", "xoxp-1-2-3-abcdef0123", "xoxe.xoxp-1-abcdefghij", "xapp-1-A0-123-abcdef"),
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",),
    *("AIza" + "x" * 35, "ya29." + "y" * 30, "GOCSPX-" + "g" * 28, "pypi-AgEIcHlwaS5vcmc" + "p" * 50),
    *("sk-ant-api03-" + "z" * 40, "sk-proj-" + "z" * 40, "gsk_" + "q" * 50, "r8_" + "r" * 37, "hvs." + "v" * 24),
    *("sk_live_" + "s" * 24, "dop_v1_" + "0" * 64, "dapi" + "1" * 32, "SG." + "a" * 22 + "." + "b" * 43),
    *("https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24, "123456789:AA" + "h" * 33),
    *("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIE"),
)
HONEST = (
    *("glpat- is the prefix of GitLab's tokens", "the task-oriented student", "risk-adjusted-learning-rate-schedule"),
    *("Qwen/Qwen2.5-0.5B-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", "pypi-mirror", "npm_config_cache"),
    *("0123456789abcdef" * 4, "models/sk-small/weights", "AKIA", "eyJ.eyJ.x", "AIzaShort", "ghp_short"),
    *("meta-llama/Llama-3.2-1B-Instruct-quantized-for-the-desk-of-somebody", "data/gsm8k_test_questions.jsonl"),
)


@pytest.mark.parametrize("secret", KNOWN, ids=lambda secret: secret[:12])
def test_known_shapes_are_removed_and_refused(secret: str) -> None:
    shown = redact(f"before {secret}", {})
    assert shown.startswith("before ")
    assert shown.endswith("[hidden]")
    assert secret[-12:] not in shown
    for text in (secret, f"note: {secret}", f"token={secret}.", f"'{secret}'"):
        assert holds_secret(text, {})


@pytest.mark.parametrize("text", HONEST)
def test_honest_texts_stay(text: str) -> None:
    assert redact(text, {}) == text
    assert not holds_secret(text, {})


def test_every_issuer_of_the_list_has_an_example() -> None:
    import re

    without = [name for name, shape in TOKENS.items() if not any(re.search(shape, secret) for secret in KNOWN)]
    assert set(without) <= {"other registries", "trackers", "Weights & Biases"}


def test_linear_in_the_length_of_the_text() -> None:
    for piece in ("glpat-", "eyJa", "key", "key ", "xox", "-----BEGIN ", "key=", "://", "sk-a"):
        start = time.process_time()
        redact(piece * (200_000 // len(piece)), {})
        assert time.process_time() - start < 1.0, piece


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
        ("PGPASSWORD", True),
        ("MYSECRET", True),
        ("OPENAIKEY", True),
        ("SIGNING_KEYS", True),
        ("ACCESSTOKEN", True),
        ("TOKENIZERS_PARALLELISM", False),
        ("DONKEY", False),
        ("key", True),
        ("KEYBOARD", False),
        ("MY_KEYBOARD", False),
        ("MONKEY", False),
        ("COMPASS", False),
        ("LESSKEYIN", False),
        ("ANSWER_KEY", False),
        ("PRIMARY_KEY", False),
        ("PAD_TOKEN", False),
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
    assert holds_secret("my login is hunter2-x.", {"DB_PASSWORD": "hunter2-x"})
    assert not holds_secret("a postgres store", weak)


def test_a_password_with_an_at_sign_and_one_of_a_windows_file_are_hidden_whole() -> None:
    assert redact("https://user:p@ssword@host/x") == "https://[hidden]@host/x"
    assert redact("login failed for hunter2hunter2", {"DB_PASSWORD": "hunter2hunter2\r"}) == "login failed for [hidden]"
