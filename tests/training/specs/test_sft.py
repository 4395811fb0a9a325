from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from noisy_student.training.specs.sft import SftSpec


def test_defaults_make_the_plans_500_steps() -> None:
    spec = SftSpec()
    assert spec.epochs * 1000 / spec.batch == 500
    assert spec.learning_rate == 2e-5


@pytest.mark.parametrize(
    "fields", [{"match": "steps"}, {"steps": 5}, {"batch": 0}, {"epoch": 2.0}, {"epochs": "2"}, {"micro_batch": 3}]
)
def test_contradictions_and_unknown_names_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SftSpec.model_validate(fields)


def test_settings_do_not_import_torch() -> None:
    code = (
        "import sys, noisy_student.training.specs.sft, noisy_student.training.measurements\n"
        "import noisy_student.training.health.window, noisy_student.training.grpo.rl_examples\n"
        "import noisy_student.models.spec, noisy_student.models.folder\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
