"""What does not count stays without effect: the store's place, the clock, comments; what counts does not."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from workplace import Workplace, comparable

from noisy_student.identity import ROOT
from noisy_student.pipeline.crash_points import VARIABLE

pytestmark = pytest.mark.slow

STUDENT = "train noisy-student"
YEAR_BACK = """
import sys, time
now = time.time
time.time = lambda: now() - 365 * 86400
from noisy_student.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_store_that_was_moved_or_is_a_link_still_holds_everything(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path / "before")
    kept = place.manifests()
    (tmp_path / "before").rename(tmp_path / "after")
    moved = Workplace(tmp_path / "after")
    moved.complete()
    assert moved.manifests() == kept
    linked = Workplace(tmp_path / "linked")
    linked.store.symlink_to(moved.store, target_is_directory=True)
    linked.complete()
    assert moved.manifests() == kept
    assert comparable(linked.results()) == comparable(reference.results())


def test_a_clock_that_is_set_back(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    kept = place.manifests()
    assert place.run(env={VARIABLE: "after-outputs"}).returncode == -signal.SIGKILL
    place.complete(program=("-c", YEAR_BACK))
    assert kept.items() <= place.manifests().items()
    assert place.data() == reference.data()
    assert place.failures() == []


def test_a_half_written_checkpoint_is_no_checkpoint(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    folder = place.store / "work" / place.node(STUDENT).short_key / "scratch" / "sft"
    folder.mkdir(parents=True)
    (folder / "step-2.safetensors").write_bytes(b"\x10\0\0\0")
    (folder / "step-3.partial").write_bytes(b"")
    (folder / "state.json").write_text('{"identity": "ab')
    place.complete()
    assert place.data() == reference.data()
    assert place.failures() == []


def test_a_comment_changes_nothing_and_code_what_it_is_part_of(reference: Workplace, tmp_path: Path) -> None:
    package = tmp_path / "package" / "noisy_student"
    shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    place = reference.copy(tmp_path / "place")
    kept = place.manifests()
    vote = package / "labeling" / "vote.py"
    vote.write_text(vote.read_text().replace('"""', '"""Said anew. ', 1) + "\n\n\n# A remark.\n")
    there = {"PYTHONPATH": str(package.parent)}
    place.complete(env=there)
    assert place.manifests() == kept
    vote.write_text(vote.read_text() + "\n_NOTHING = None\n")
    shutil.rmtree(place.folder / "runs")
    place.complete(env=there)
    new = {name.rsplit("-", 1)[0] for name in set(place.manifests()) - set(kept)}
    assert {"vote", "label"} <= new
    assert not {"split", "key", "reveal"} & new
    assert comparable(place.results())["findings"] == comparable(reference.results())["findings"]


def test_the_page_of_a_run_and_of_its_results_read_again_are_one(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.complete()
    (page,) = place.folder.glob("runs/*/report.html")
    cold = page.read_bytes()
    page.unlink()
    place.complete()
    assert page.read_bytes() == cold
