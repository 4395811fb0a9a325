"""Secrets do not pass."""

from __future__ import annotations

import pytest

from noisy_student.redaction import redact


@pytest.mark.parametrize(
    "secret", ["hf_" + "a" * 34, "AKIA" + "B" * 16, "ghp_" + "c" * 36, "sk-" + "d" * 24, "github_pat_" + "e" * 30]
)
def test_known_shapes_are_removed(secret: str) -> None:
    assert redact(f"before {secret} after", {}) == "before [hidden] after"


def test_values_of_secret_variables_are_removed_and_others_stay() -> None:
    environment = {"WANDB_API_KEY": "0123456789abcdef", "HOME": "/home/someone", "A_TOKEN": "1"}
    assert redact("0123456789abcdef /home/someone 1", environment) == "[hidden] /home/someone 1"
