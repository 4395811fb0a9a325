"""Stages that a study asks for by ``measures``."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused
from workplace import STUDY

from noisy_student.pipeline.node import STAGES, Node, Stage, parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve


def planned(folder: Path, stage: str) -> list[Node]:
    path = folder / "tiny.toml"
    path.write_text(f'measures = ["{stage}"]\n{STUDY}')
    return [node for node in parents_first(plan(resolve(Request(str(path)))).targets) if node.stage == stage]


@pytest.mark.parametrize(("lane", "roles"), [("training", {"samples"}), ("truth", {"samples", "key"})])
def test_a_measurement_reads_the_graded_answers_and_in_the_lane_of_truth_the_key(
    lane: str, roles: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"judge_{lane}.py").write_text(f'MEASURES = True\nLANE = "{lane}"\nLIBRARIES = ()\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(STAGES._rows, "judge", Stage(f"judge_{lane}"))
    nodes = planned(tmp_path, "judge")
    assert [node.title for node in nodes] == [
        f"judge of {name}" for name in ("base", "baseline", "noisy-student", "oracle")
    ]
    assert all(set(node.inputs) == roles for node in nodes)
    assert {parent.spec["part"] for node in nodes for parent in node.inputs["samples"]} == {"test"}


def test_other_stages_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    with refused("stage-measures-nothing", "grade"):
        planned(tmp_path, "grade")
    with refused("unknown-stage", "word-counts"):
        planned(tmp_path, "word-counts")
