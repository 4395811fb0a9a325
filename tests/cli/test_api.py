"""``noisy_student.run``: its signature, its faults, and scripts that call it."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest
from refusals import refused
from workplace import Workplace, ended

import noisy_student
from noisy_student.cli.api import _dotted, _require_result
from noisy_student.study.run import Run

UNGUARDED = """
import noisy_student

made = noisy_student.run("./tiny.toml", overrides={"compute.workers": 2})
print("findings:", made.findings)
"""


def test_the_signature_names_every_argument() -> None:
    names = inspect.signature(noisy_student.run).parameters
    assert {"study", "scale", "model", "data", "limit", "seeds", "overrides", "folder", "deadline"} <= set(names)
    assert all(each.kind is not inspect.Parameter.VAR_KEYWORD for each in names.values())
    assert "nothing" not in dir(noisy_student)
    with pytest.raises(AttributeError, match="nothing"):
        noisy_student.nothing  # noqa: B018


def test_nested_tables_are_dotted_names_and_a_selection_stays_whole() -> None:
    nested = {"sft": {"epochs": 2.0, "batch": 4}, "conditions": {"a": {"select": {"min_agreement": 0.5}}}, "seeds": [1]}
    assert dict(_dotted(nested)) == {
        "sft.epochs": 2.0,
        "sft.batch": 4,
        "conditions.a.select": {"min_agreement": 0.5},
        "seeds": [1],
    }
    assert dict(_dotted({"primary": {}})) == {"primary": {}}


def test_wrong_words_are_refused_with_a_code(tmp_path: Path) -> None:
    with refused("unknown-field", "epoks"):
        noisy_student.run("v6", overrides={"sft": {"epoks": 2.0}}, folder=tmp_path)
    with refused("deadline-malformed", "soon"):
        noisy_student.run("v6", deadline="soon", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_any_result_raises(tmp_path: Path) -> None:
    rows = [{"status": "failed", "reason": "no room"}, {"status": "failed", "reason": "no room"}]
    with refused("no-results", "no room"):
        _require_result(Run(tmp_path, {"status": "partial", "conditions": rows}, {}))
    _require_result(Run(tmp_path, {"status": "partial", "conditions": [*rows, {"status": "done"}]}, {}))
    _require_result(Run(tmp_path, {"status": "paused", "conditions": rows}, {}))


def test_a_script_without_a_guard_ends_with_one_line(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = ended(place.python([sys.executable, "script.py"]))
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert 'if __name__ == "__main__":' in last
    assert "Traceback" not in done.stderr


def test_progress_can_be_silent(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "script.py").write_text(
        "import noisy_student\n"
        'if __name__ == "__main__":\n'
        '    print(noisy_student.run("./tiny.toml", deadline="0s", progress=False).results["status"])\n'
    )
    done = ended(place.python([sys.executable, "script.py"]))
    assert (done.returncode, done.stdout, done.stderr) == (0, "paused\n", "")
