"""A disk that is full, fails, or may not be written: the run says so, and goes on once that is mended."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from workplace import PROGRAM, Workplace, comparable, ended

pytestmark = pytest.mark.slow

STUDENT = "train noisy-student"
FAILING = """
import errno, os, sys
calls, sound = 0, os.fsync
def fsync(descriptor):
    global calls
    calls += 1
    if calls > 3:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    sound(descriptor)
os.fsync = fsync
from noisy_student.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def _mount(*words: str) -> bool:
    try:
        return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=100m", "tmpfs", str(folder)):
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _on(disk: Path, reference: Workplace) -> Workplace:
    place = reference.copy(disk)
    place.forget(STUDENT)
    return place


def _mended(place: Workplace, reference: Workplace, kept: dict[str, bytes]) -> None:
    place.complete()
    assert kept.items() <= place.manifests().items()
    assert place.data() == reference.data()
    assert comparable(place.results()) == comparable(reference.results())


def test_a_full_disk(disk: Path, reference: Workplace) -> None:
    place = _on(disk, reference)
    kept = place.manifests()
    used = shutil.disk_usage(disk).used
    # Room for small files, none for a model.
    assert _mount("-o", f"remount,size={used + 1_500_000}", str(disk))
    done = place.run()
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr or "disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert _mount("-o", "remount,size=100m", str(disk))
    _mended(place, reference, kept)


def test_a_disk_that_fails(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    kept = place.manifests()
    done = place.run(program=("-c", FAILING))
    assert done.returncode == 1, done.stderr
    assert "Input/output error" in done.stderr
    assert "Traceback" not in done.stderr
    _mended(place, reference, kept)


def test_a_store_that_may_only_be_read(disk: Path, reference: Workplace) -> None:
    place = _on(disk, reference)
    kept = place.manifests()
    before = place.data()
    assert _mount("-o", "remount,ro", str(disk))
    done = place.run()
    assert done.returncode == 1, done.stderr
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert place.data() == before
    assert _mount("-o", "remount,rw", str(disk))
    _mended(place, reference, kept)


def test_a_finished_run_on_a_disk_that_may_only_be_read(disk: Path, reference: Workplace) -> None:
    place = reference.copy(disk)
    first = place.complete()
    assert _mount("-o", "remount,ro", str(disk))
    again = place.complete()
    assert place.results()["findings"]
    assert again.stdout.splitlines()[:3] == first.stdout.splitlines()[:3]
    assert again.stderr.count("Read-only file system") == 1
    for words in (["report", "--runs", "runs"], ["gc", "--store", "store"], ["du", "--store", "store"], ["log"]):
        done = ended(place.python([sys.executable, *PROGRAM, *words]))
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stderr
        if words[0] == "report":
            assert "Does the whole of it work?" in done.stdout
            assert "Read-only file system" in done.stderr
    refused = ended(place.python([sys.executable, *PROGRAM, "gc", "--store", "store", "--delete"]))
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert _mount("-o", "remount,rw", str(disk))
    place.complete()
