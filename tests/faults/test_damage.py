"""A result that was damaged in any way is set aside and computed again, to the same bytes; nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from workplace import Workplace, comparable

GRADE = "grade noisy-student"
MANIFEST = "MANIFEST.json"


def _truncated(folder: Path) -> None:
    (path, *_) = sorted((folder / "data").iterdir())
    path.write_bytes(path.read_bytes()[:-20])


def _flipped(folder: Path) -> None:
    (path, *_) = sorted((folder / "data").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _missing(folder: Path) -> None:
    next((folder / "data").iterdir()).unlink()


def _extra(folder: Path) -> None:
    (folder / "data" / "more.txt").write_text("more")


def _without_data(folder: Path) -> None:
    shutil.rmtree(folder / "data")


def _half_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text()[:200])


def _no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def _manifest_of_another(folder: Path) -> None:
    other = next(path for path in folder.parent.glob(f"grade-*/{MANIFEST}") if path.parent != folder)
    shutil.copy(other, folder / MANIFEST)


def _manifest_edited(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"pid": ', '"pid": 1'))


DAMAGES = (
    *(_truncated, _flipped, _missing, _extra, _without_data),
    *(_half_manifest, _no_manifest, _manifest_of_another, _manifest_edited),
)


@pytest.mark.parametrize(
    "damage", [pytest.param(damage, marks=() if damage is _flipped else pytest.mark.slow) for damage in DAMAGES]
)
def test_damage_is_found_set_aside_and_mended(
    damage: Callable[[Path], None], reference: Workplace, tmp_path: Path
) -> None:
    place = reference.copy(tmp_path)
    name = place.node(GRADE).name
    kept = {other: manifest for other, manifest in place.manifests().items() if other != name}
    damage(place.store / "stages" / name)
    done = place.complete()
    assert "moved to" in done.stderr
    assert [path.name for path in place.failures()] == [f"{name}-1"]
    _is_whole(place, reference, kept)


@pytest.mark.slow
def test_an_empty_folder_in_a_results_place_is_nothing(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    name = place.node(GRADE).name
    kept = {other: manifest for other, manifest in place.manifests().items() if other != name}
    shutil.rmtree(place.store / "stages" / name)
    (place.store / "stages" / name).mkdir()
    place.complete()
    assert place.failures() == []
    _is_whole(place, reference, kept)


@pytest.mark.slow
@pytest.mark.parametrize("title", ["split", "train baseline"])
def test_what_a_run_hands_over_is_there_even_if_only_cached_results_stood_on_it(
    title: str, reference: Workplace, tmp_path: Path
) -> None:
    place = reference.copy(tmp_path)
    (gone,) = [node for node in place.nodes() if node.title == title]
    shutil.rmtree(place.store / "stages" / gone.name)
    kept = place.manifests()
    place.complete()
    _is_whole(place, reference, kept)


def _is_whole(place: Workplace, reference: Workplace, kept: dict[str, bytes]) -> None:
    assert kept.items() <= place.manifests().items()
    assert place.data() == reference.data()
    assert comparable(place.results()) == comparable(reference.results())
