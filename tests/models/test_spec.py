from __future__ import annotations

import pytest
from pydantic import ValidationError

from noisy_student.models.spec import ModelSpec, PromptSpec


def test_the_defaults() -> None:
    assert ModelSpec(id="Qwen/Qwen2.5-0.5B-Instruct").model_dump() == {
        "id": "Qwen/Qwen2.5-0.5B-Instruct",
        "revision": None,
        "dtype": "float32",
        "attn": "sdpa",
        "pad": "apart",
    }


@pytest.mark.parametrize("template", ["no place", "{question} {question}"])
def test_a_template_names_the_question_once(template: str) -> None:
    with pytest.raises(ValidationError, match="exactly once"):
        PromptSpec(style="raw", template=template)


@pytest.mark.parametrize("fields", [{"id": ""}, {"id": "x", "dtype": "int8"}, {"id": "x", "trust_remote_code": True}])
def test_unknown_values_and_names_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelSpec.model_validate(fields)
